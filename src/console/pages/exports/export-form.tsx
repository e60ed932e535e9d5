/** A new export: filter, period, format and purpose. Another page may fill in all but the purpose. */
import { useState } from "preact/hooks";
import type { Export } from "../../../admin/api/evidence/exports.ts";
import { post } from "../../api.ts";
import { looksPersonal } from "../../filter-text.ts";
import { Field, PurposeField, purposeIn } from "../../parts/field.tsx";
import { ErrorStrip, Strip } from "../../parts/states.tsx";
import { address } from "../../router.ts";
import { person } from "../../session.ts";
import { S } from "../../strings.ts";

type Format = Export["format"];

const FORMATS = ["csv", "ndjson", "html", "bundle"] as const satisfies readonly Format[];
/** Those without positions in the journal, which people of some tenants may not see. */
const PARTIAL: readonly Format[] = ["csv", "html"];

export const ExportForm = ({ onStarted }: { readonly onStarted: () => void }) => {
  const given = address.peek().query;
  const formats = FORMATS.filter((each) => person()?.tenants === "all" || PARTIAL.includes(each));
  const [filter, setFilter] = useState(given["filter"] ?? "");
  const [from, setFrom] = useState(given["from"] ?? "");
  const [to, setTo] = useState(given["to"] ?? "");
  const [format, setFormat] = useState<Format>(formats.find((each) => each === given["format"]) ?? "csv");
  const [purpose, setPurpose] = useState("");
  const [error, setError] = useState<unknown>();
  const [isBusy, setBusy] = useState(false);
  const isPersonal = looksPersonal(filter);
  const submit = async (event: Event): Promise<void> => {
    event.preventDefault();
    if (isPersonal) return;
    setBusy(true);
    setError(undefined);
    const times = { ...(from !== "" && { from }), ...(to !== "" && { to }) };
    try {
      await post("/api/audit/exports", { filter, format, ...times, ...purposeIn(purpose) });
      onStarted();
    } catch (caught) {
      setError(caught);
    }
    setBusy(false);
  };
  return (
    <form class="evidence-form" onSubmit={(event) => void submit(event)}>
      {error !== undefined && <ErrorStrip error={error} />}
      <Field label={S.exports.filter}>
        <input
          type="text"
          class="mono"
          spellcheck={false}
          autocomplete="off"
          value={filter}
          onInput={({ currentTarget }) => setFilter(currentTarget.value)}
        />
      </Field>
      {isPersonal && (
        <Strip kind="warning">
          {S.exports.personal} <a href="/look-up">{S.search.openLookUp}</a>
        </Strip>
      )}
      <div class="form-row">
        <Field label={S.exports.from}>
          <input type="date" value={from} onChange={({ currentTarget }) => setFrom(currentTarget.value)} />
        </Field>
        <Field label={S.exports.to}>
          <input type="date" value={to} onChange={({ currentTarget }) => setTo(currentTarget.value)} />
        </Field>
        <Field label={S.exports.format} help={S.exports.formatHelp[format]}>
          <select value={format} onChange={({ currentTarget }) => setFormat(currentTarget.value as Format)}>
            {formats.map((each) => (
              <option key={each} value={each}>
                {S.exports.formats[each]}
              </option>
            ))}
          </select>
        </Field>
      </div>
      <PurposeField label={S.exports.purpose} help={S.lookUp.purposeHelp} value={purpose} onInput={setPurpose} />
      <div class="form-end">
        <button type="submit" class="primary" disabled={isBusy || isPersonal}>
          {S.exports.start}
        </button>
        <p class="field-help">{S.exports.help}</p>
      </div>
    </form>
  );
};
