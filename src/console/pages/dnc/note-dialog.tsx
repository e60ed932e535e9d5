/** Asks how an open Do-Not-Call was handled, and journals the answer. */
import { useState } from "preact/hooks";
import { announce } from "../../announce.ts";
import { post } from "../../api.ts";
import { Dialog } from "../../parts/dialog.tsx";
import { Field } from "../../parts/field.tsx";
import { ErrorStrip } from "../../parts/states.tsx";
import { S } from "../../strings.ts";
import type { OpenItem } from "./open-table.tsx";

type Props = { readonly item: OpenItem; readonly onClose: () => void; readonly onSaved: () => void };

export const NoteDialog = ({ item: { id, handled }, onClose, onSaved }: Props) => {
  const [note, setNote] = useState(handled?.note ?? "");
  const [error, setError] = useState<unknown>();
  const [isBusy, setBusy] = useState(false);
  const save = async (event: Event): Promise<void> => {
    event.preventDefault();
    setBusy(true);
    try {
      await post(`/api/dnc/${id}/note`, { note: note.trim() });
      onSaved();
      onClose();
      announce(S.dnc.saved);
    } catch (caught) {
      setError(caught);
      setBusy(false);
    }
  };
  return (
    <Dialog title={S.dnc.dialog} onClose={onClose}>
      <form class="dialog-form" onSubmit={(event) => void save(event)}>
        <p>{S.dnc.dialogHelp}</p>
        {error !== undefined && <ErrorStrip error={error} />}
        <Field label={S.dnc.noteLabel}>
          <input
            type="text"
            required
            maxLength={500}
            autocomplete="off"
            value={note}
            onInput={({ currentTarget }) => setNote(currentTarget.value)}
          />
        </Field>
        <button type="submit" class="primary" disabled={isBusy}>
          {S.dnc.save}
        </button>
      </form>
    </Dialog>
  );
};
