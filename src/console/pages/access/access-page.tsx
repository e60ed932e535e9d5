/** Who read the journal, took data out of it, or logged in. */
import type { AccessPage as AccessReply } from "../../../admin/api/evidence/access.ts";
import { get } from "../../api.ts";
import { shortTokens } from "../../filter-text.ts";
import { usePaged } from "../../load.ts";
import { whole } from "../../parts/data/numbers.ts";
import { PlainTable } from "../../parts/data/plain-table.tsx";
import { Empty, ErrorStrip, Skeleton, Strip } from "../../parts/states.tsx";
import { Time } from "../../parts/time.tsx";
import { address, setQuery } from "../../router.ts";
import { S } from "../../strings.ts";
import "../evidence.css";

type Access = AccessReply["accesses"][number];
type Operation = keyof typeof S.access.operations;

const PAGE = 50;

export const AccessPage = () => {
  const { operation, user } = address.value.query;
  return (
    <div class="evidence-page">
      <Filter operation={operation} user={user} />
      <List key={`${operation} ${user}`} operation={operation} user={user} />
    </div>
  );
};

type Asked = { readonly operation: string | undefined; readonly user: string | undefined };

const Filter = ({ operation = "", user = "" }: Asked) => (
  <form
    class="toolbar"
    onSubmit={(event) => {
      event.preventDefault();
      const name = new FormData(event.currentTarget).get("user");
      setQuery({ user: typeof name === "string" ? name.trim() : undefined });
    }}
  >
    <label class="inline-field">
      {S.access.operation}{" "}
      <select value={operation} onChange={({ currentTarget: { value } }) => setQuery({ operation: value })}>
        <option value="">{S.access.all}</option>
        {Object.entries(S.access.operations).map(([name, says]) => (
          <option key={name} value={name}>
            {says}
          </option>
        ))}
      </select>
    </label>
    <label class="inline-field">
      {S.access.userLabel} <input type="search" name="user" autocomplete="off" value={user} />
    </label>
    <button type="submit">{S.search.go}</button>
  </form>
);

const List = ({ operation, user }: Asked) => {
  const { value, rows, error, again, more } = usePaged(
    (cursor, signal) => get<AccessReply>("/api/access", { operation, user, cursor, limit: PAGE }, signal),
    ({ accesses }) => accesses,
  );
  const isEmpty = value && rows.length === 0 && value.next === null;
  return (
    <>
      {error !== undefined && <ErrorStrip error={error} retry={again} />}
      {value && value.not_covered.length > 0 && (
        <Strip kind="warning">
          <p>{S.access.notCovered}</p>
          <ul class="reasons">
            {value.not_covered.map((each) => (
              <li key={each}>{each}</li>
            ))}
          </ul>
        </Strip>
      )}
      <section class="evidence-part" aria-label={S.access.caption}>
        {isEmpty && (
          <Empty title={S.access.none}>
            <p>{S.access.noneHelp}</p>
          </Empty>
        )}
        {rows.length > 0 && <Table rows={rows} />}
        {!value && error === undefined && <Skeleton rows={8} />}
        {more && (
          <button type="button" class="more" onClick={more}>
            {S.access.older}
          </button>
        )}
      </section>
    </>
  );
};

const HEAD = [S.access.time, S.access.who, S.access.what, S.access.query, S.access.purpose, S.access.result];

const Table = ({ rows }: { readonly rows: readonly Access[] }) => (
  <PlainTable caption={S.access.caption} head={HEAD}>
    {rows.map((row) => (
      <tr key={row.index}>
        <td>
          <Time at={row.time} long />
        </td>
        <th scope="row">
          {row.user}
          {behindOf(row) !== "" && <div class="muted">{behindOf(row)}</div>}
        </th>
        <td>
          {S.access.operations[row.operation as Operation] ?? row.operation}
          {row.person && <div class="muted">{S.access.person}</div>}
        </td>
        <td class="mono filter-cell">{shortTokens(row.query ?? "")}</td>
        <td class="note-cell">{row.purpose}</td>
        <td>{resultOf(row)}</td>
      </tr>
    ))}
  </PlainTable>
);

const behindOf = ({ behind = {}, role }: Access): string =>
  [
    ...(role === undefined ? [] : [role.split(",").join(", ")]),
    ...Object.entries(behind).map(([how, name]) => S.access.behind(how, name ?? "")),
  ].join(", ");

const resultOf = ({ operation, verdict, results, reason, source, count = 1 }: Access): string => {
  if (verdict !== undefined && operation === "prove-isolation") return S.access.proved(verdict, whole(results ?? 0));
  if (verdict !== undefined) return S.access.covered(verdict, whole(results ?? 0));
  if (reason !== undefined) return S.access.failed(reason, source ?? "", count);
  if (source !== undefined) return S.access.from(source);
  return results === undefined ? "" : S.access.found(whole(results));
};
