/** Which configs were in force, who asked for them, and the difference between two of them. */
import type { ConfigDifferences, ConfigHistory } from "../../../admin/schemas/config-view.ts";
import { get } from "../../api.ts";
import { useLoaded, usePaged } from "../../load.ts";
import { AnyText } from "../../parts/any-text.tsx";
import { PlainTable } from "../../parts/data/plain-table.tsx";
import { Verdict, type Mark } from "../../parts/data/verdict.tsx";
import { ErrorStrip, Skeleton, Strip } from "../../parts/states.tsx";
import { Time } from "../../parts/time.tsx";
import { address, setQuery } from "../../router.ts";
import { S } from "../../strings.ts";
import { longTime } from "../../time.ts";
import { Sentences } from "./check-part.tsx";
import { Hash, shortHash } from "./hash.tsx";

type Change = ConfigHistory["changes"][number];

const PAGE = 20;

export const HistoryPart = () => {
  const { value, rows, error, again, more } = usePaged(
    (cursor, signal) => get<ConfigHistory>("/api/config/history", { cursor, limit: PAGE }, signal),
    ({ changes }) => changes,
  );
  return (
    <>
      <section class="evidence-part" aria-labelledby="changes">
        <h2 id="changes">{S.config.history}</h2>
        <p class="muted">{S.config.historyHelp}</p>
        {error !== undefined && <ErrorStrip error={error} retry={again} />}
        {value && value.not_covered.length > 0 && (
          <Strip kind="warning">
            <p>{S.config.notCovered}</p>
            <Sentences of={value.not_covered} />
          </Strip>
        )}
        {rows.length > 0 && <Table rows={rows} inForce={value?.hash} />}
        {!value && error === undefined && <Skeleton rows={6} />}
        {more && (
          <button type="button" class="more" onClick={more}>
            {S.config.older}
          </button>
        )}
      </section>
      {rows.length > 0 && <Compare rows={rows} />}
    </>
  );
};

const MARKS: Readonly<Record<Change["change"], Mark>> = { started: "none", reloaded: "good", refused: "bad" };

const HEAD = [S.config.time, S.config.what, S.config.by, S.config.config, S.config.what_changed];

type TableProps = { readonly rows: readonly Change[]; readonly inForce: string | undefined };

const Table = ({ rows, inForce }: TableProps) => (
  <PlainTable caption={S.config.historyCaption} head={HEAD}>
    {rows.map((row) => (
      <tr key={row.index}>
        <td>
          <Time at={row.time} long />
        </td>
        <th scope="row">
          <Verdict mark={MARKS[row.change]}>{S.config.events[row.change]}</Verdict>
        </th>
        <td class="note-cell">
          <AnyText text={askedBy(row)} />
        </td>
        <td>
          {row.hash === "" ? S.config.unreadable : <Hash hash={row.hash} />}
          {row.hash === inForce && row.change !== "refused" && <div class="muted">{S.config.inForce}</div>}
        </td>
        <td class="filter-cell">
          {row.detail !== null && <AnyText text={row.detail} />}
          {row.changes.length > 0 && <Sentences of={row.changes} />}
        </td>
      </tr>
    ))}
  </PlainTable>
);

const askedBy = ({ change, by, user }: Change): string => {
  if (change === "started") return "";
  if (by === null) return S.config.unknownBy;
  const trigger = S.config.triggers[by] ?? by;
  return user === null ? trigger : S.config.byUser(trigger, user);
};

const Compare = ({ rows }: { readonly rows: readonly Change[] }) => {
  const { from = "", to = "" } = address.value.query;
  return (
    <section class="evidence-part" aria-labelledby="compare">
      <h2 id="compare">{S.config.compare}</h2>
      <p class="muted">{S.config.compareHelp}</p>
      <form class="config-search" onSubmit={(event) => event.preventDefault()}>
        <Choice label={S.config.from} value={from} rows={rows} onChange={(hash) => setQuery({ from: hash })} />
        <Choice label={S.config.to} value={to} rows={rows} onChange={(hash) => setQuery({ to: hash })} />
      </form>
      {from !== "" && to !== "" && <Differences key={`${from} ${to}`} from={from} to={to} />}
    </section>
  );
};

type ChoiceProps = {
  readonly label: string;
  readonly value: string;
  readonly rows: readonly Change[];
  readonly onChange: (hash: string) => void;
};

/** Each hash once, with the newest time. */
const Choice = ({ label, value, rows, onChange }: ChoiceProps) => {
  const newest = new Map(rows.toReversed().flatMap((row) => (row.hash === "" ? [] : [[row.hash, row] as const])));
  const options = [...newest.values()].toReversed();
  return (
    <label class="field">
      <span class="field-label">{label}</span>
      <select value={value} onChange={({ currentTarget }) => onChange(currentTarget.value)}>
        <option value="">{S.config.choose}</option>
        {value !== "" && !newest.has(value) && <option value={value}>{shortHash(value)}</option>}
        {options.map(({ hash, time, comparable }) => (
          <option key={hash} value={hash}>
            {S.config.option(shortHash(hash), longTime(time, true), comparable)}
          </option>
        ))}
      </select>
    </label>
  );
};

const Differences = ({ from, to }: { readonly from: string; readonly to: string }) => {
  const { value, error, again } = useLoaded("differences", (signal) =>
    get<ConfigDifferences>("/api/config/differences", { from, to }, signal),
  );
  if (error !== undefined) return <ErrorStrip error={error} retry={again} />;
  if (!value) return <Skeleton rows={3} />;
  const { changes, missing } = value;
  return (
    <div role="status">
      {missing.length > 0 && <p>{S.config.missing(missing.map(shortHash).join(", "))}</p>}
      {missing.length === 0 && changes === null && <p>{S.config.notComparable}</p>}
      {changes?.length === 0 && <p>{S.config.same}</p>}
      {changes !== null && changes.length > 0 && <Sentences of={changes} />}
    </div>
  );
};
