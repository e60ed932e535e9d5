/** Named filters: the usual ones, and those that the user saved in this browser. */
import { useState } from "preact/hooks";
import { Dialog } from "../../parts/dialog.tsx";
import { Menu } from "../../parts/menu.tsx";
import { prefer, preferences } from "../../preferences.ts";
import { S } from "../../strings.ts";

const { usual } = S.flows;
const USUAL = [
  { name: usual.problems, filter: "-is:ok" },
  { name: usual.noAnswer, filter: "is:no-answer,in-doubt" },
  { name: usual.refused, filter: "is:refused" },
  { name: usual.dnc, filter: "action:DoNotCall" },
  { name: usual.events, filter: "-kind:intent,refusal,outcome" },
] as const;

type Props = { readonly filter: string; readonly onFilter: (filter: string) => void };

export const ViewsMenu = ({ filter, onFilter }: Props) => {
  const [isSaving, setSaving] = useState(false);
  const { views } = preferences.value;
  const save = (event: SubmitEvent): void => {
    event.preventDefault();
    const name = new FormData(event.currentTarget as HTMLFormElement).get("name");
    if (typeof name !== "string" || name.trim() === "") return;
    prefer({ views: [...views.filter((view) => view.name !== name.trim()), { name: name.trim(), filter }] });
    setSaving(false);
  };
  return (
    <>
      <Menu
        label={S.flows.views}
        items={[
          ...[...USUAL, ...views].map((view) => ({
            says: view.name,
            checked: view.filter === filter,
            act: () => onFilter(view.filter),
          })),
          ...(filter === "" ? [] : [{ says: S.flows.saveView, act: () => setSaving(true) }]),
          ...views
            .filter((view) => view.filter === filter)
            .map((view) => ({
              says: S.flows.removeView(view.name),
              act: () => prefer({ views: views.filter((each) => each !== view) }),
            })),
        ]}
      />
      {isSaving && (
        <Dialog title={S.flows.saveTitle} onClose={() => setSaving(false)}>
          <form class="field" onSubmit={save}>
            <label class="field">
              <span class="field-label">{S.flows.viewName}</span>
              <input name="name" required maxLength={60} autocomplete="off" />
            </label>
            <code class="muted">{filter}</code>
            <button type="submit" class="primary">
              {S.flows.save}
            </button>
          </form>
        </Dialog>
      )}
    </>
  );
};
