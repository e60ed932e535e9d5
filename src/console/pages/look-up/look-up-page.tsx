/**
 * Finds a person's requests under masking. The number is in this page's memory and in the body of a request, and
 * nowhere else: not in the address, the title, the history or the storage of the browser.
 */
import { useState } from "preact/hooks";
import type { Tenants } from "../../../admin/api/now-schema.ts";
import type { LookUpReply } from "../../../admin/schemas/flow.ts";
import { get, post, send } from "../../api.ts";
import { useLoaded } from "../../load.ts";
import { Field, PurposeField, purposeIn } from "../../parts/field.tsx";
import { ErrorStrip } from "../../parts/states.tsx";
import { go } from "../../router.ts";
import { person } from "../../session.ts";
import { S } from "../../strings.ts";
import type { Asked } from "./asked.ts";
import { Result } from "./result.tsx";
import "../evidence.css";

const PAGE = 100;

type Found = { readonly asked: Asked; readonly pages: readonly LookUpReply[]; readonly left: number | undefined };

export const LookUpPage = () => {
  const [found, setFound] = useState<Found>();
  const [error, setError] = useState<unknown>();
  const [isBusy, setBusy] = useState(false);
  const tenants = useLoaded("tenants", (signal) => get<Tenants>("/api/tenants", { limit: MOST_TENANTS }, signal));
  const names = new Map(tenants.value?.tenants.map(({ dbid, name }) => [dbid, name]));
  const search = async (asked: Asked, before?: Found): Promise<void> => {
    setBusy(true);
    setError(undefined);
    try {
      const { page, left } = await ask(asked, before?.pages.at(-1)?.next ?? undefined);
      setFound({ asked, pages: [...(before?.pages ?? []), page], left });
    } catch (caught) {
      setError(caught);
      if (!before) setFound(undefined);
    }
    setBusy(false);
  };
  const bundle = async ({ kind, value, filter, purpose }: Asked): Promise<void> => {
    try {
      const format = person()?.tenants === "all" ? "bundle" : "html";
      await post("/api/audit/exports", { [kind]: value, filter, format, ...purposeIn(purpose) });
      go("/exports");
    } catch (caught) {
      setError(caught);
    }
  };
  return (
    <div class="evidence-page">
      <section class="evidence-part" aria-labelledby="look-up">
        <h2 id="look-up">{S.lookUp.title}</h2>
        <LookUpForm tenants={names} isBusy={isBusy} onFind={(asked) => void search(asked)} />
      </section>
      {error !== undefined && <ErrorStrip error={error} />}
      {found && (
        <Result
          asked={found.asked}
          pages={found.pages}
          left={found.left}
          tenants={names}
          isBusy={isBusy}
          onOlder={() => void search(found.asked, found)}
          onBundle={() => void bundle(found.asked)}
        />
      )}
    </div>
  );
};

const ask = async (
  { kind, value, filter, purpose }: Asked,
  cursor: string | undefined,
): Promise<{ readonly page: LookUpReply; readonly left: number | undefined }> => {
  const body = { [kind]: value, filter, limit: PAGE, ...purposeIn(purpose), ...(cursor !== undefined && { cursor }) };
  const response = await send("POST", "/api/audit/look-up", { body });
  const left = /r=(\d+)/.exec(response.headers.get("RateLimit") ?? "")?.[1];
  return { page: (await response.json()) as LookUpReply, left: left === undefined ? undefined : Number(left) };
};

const MOST_TENANTS = 1000;

type FormProps = {
  /** Names by DBID. */
  readonly tenants: ReadonlyMap<number, string>;
  readonly isBusy: boolean;
  readonly onFind: (asked: Asked) => void;
};

const LookUpForm = ({ tenants, isBusy, onFind }: FormProps) => {
  const [kind, setKind] = useState<Asked["kind"]>("phone");
  const [value, setValue] = useState("");
  const [tenant, setTenant] = useState("");
  const [[from, to], setDays] = useState(["", ""]);
  const [purpose, setPurpose] = useState("");
  const submit = (event: Event): void => {
    event.preventDefault();
    const filter = [
      ...(tenant === "" ? [] : [`tenant:${tenant}`]),
      ...(from === "" ? [] : [`since:${from}`]),
      ...(to === "" ? [] : [`until:${to}`]),
    ].join(" ");
    onFind({ kind, value: value.trim(), filter, purpose });
  };
  return (
    <form class="evidence-form" autocomplete="off" onSubmit={submit}>
      <div class="form-row">
        <Field label={S.lookUp.what}>
          <select value={kind} onChange={({ currentTarget }) => setKind(currentTarget.value as Asked["kind"])}>
            <option value="phone">{S.lookUp.phone}</option>
            <option value="customer_id">{S.lookUp.customer}</option>
          </select>
        </Field>
        <Field label={S.lookUp.value[kind]}>
          <input
            type="text"
            inputMode={kind === "phone" ? "tel" : "text"}
            autocomplete="off"
            autocapitalize="none"
            spellcheck={false}
            required
            value={value}
            onInput={({ currentTarget }) => setValue(currentTarget.value)}
          />
        </Field>
        <Field label={S.lookUp.tenant}>
          <select value={tenant} onChange={({ currentTarget }) => setTenant(currentTarget.value)}>
            <option value="">{S.lookUp.anyTenant}</option>
            {[...tenants].map(([dbid, name]) => (
              <option key={dbid} value={String(dbid)}>
                {name}
              </option>
            ))}
          </select>
        </Field>
        <Field label={S.lookUp.from}>
          <input type="date" value={from} onChange={({ currentTarget }) => setDays([currentTarget.value, to!])} />
        </Field>
        <Field label={S.lookUp.to}>
          <input type="date" value={to} onChange={({ currentTarget }) => setDays([from!, currentTarget.value])} />
        </Field>
      </div>
      <PurposeField label={S.lookUp.purpose} help={S.lookUp.purposeHelp} value={purpose} onInput={setPurpose} />
      <div class="form-end">
        <button type="submit" class="primary" disabled={isBusy}>
          {isBusy ? S.lookUp.finding : S.lookUp.find}
        </button>
        <p class="field-help">{S.lookUp.sent}</p>
      </div>
    </form>
  );
};
