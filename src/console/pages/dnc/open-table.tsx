/** The table of open Do-Not-Calls. */
import type { OpenDncs } from "../../../admin/api/dnc/dnc.ts";
import { shortTokens } from "../../filter-text.ts";
import { Masked } from "../../parts/masked.tsx";
import { OutcomeBadge, type Outcome } from "../../parts/outcome.tsx";
import { PlainTable } from "../../parts/data/plain-table.tsx";
import { Time } from "../../parts/time.tsx";
import { hrefOf } from "../../router.ts";
import { S } from "../../strings.ts";
import { spanOf } from "../../time.ts";

export type OpenItem = OpenDncs["open"][number];

type Props = { readonly items: readonly OpenItem[]; readonly onNote: (item: OpenItem) => void };

const HEAD = [
  S.dnc.number,
  S.dnc.tenant,
  S.dnc.askedBy,
  S.dnc.first,
  { says: S.dnc.age, right: true },
  { says: S.dnc.tries, right: true },
  S.dnc.last,
  S.dnc.note,
] as const;

export const OpenTable = ({ items, onNote }: Props) => (
  <PlainTable caption={S.dnc.caption} head={HEAD}>
    {items.map((item) => (
      <Row key={item.id} item={item} onNote={onNote} />
    ))}
  </PlainTable>
);

const Row = ({ item, onNote }: { readonly item: OpenItem; readonly onNote: (item: OpenItem) => void }) => {
  const { tenant, campaign, list, chain, clients, first, age, tries, id, handled } = item;
  const attempts = filterFor(item);
  const scope = [campaign, list, chain].filter((each) => each !== null).join(", ");
  return (
    <tr>
      <th scope="row" class="mono">
        <Masked text={nameOf(item)} />
      </th>
      <td>
        {tenant ?? S.dnc.noTenant}
        {scope !== "" && <div class="muted">{S.dnc.only(scope)}</div>}
      </td>
      <td>{clients.join(", ")}</td>
      <td>
        <Time at={first} decimals={0} />
      </td>
      <td class="number right">{spanOf(age)}</td>
      <td class="number right">
        {attempts === undefined ? (
          tries
        ) : (
          <a href={hrefOf("/flows", { filter: attempts })} aria-label={S.dnc.attempts(tries)}>
            {tries}
          </a>
        )}
      </td>
      <td>
        <LastAnswer id={id} ended={item.ended} />
      </td>
      <td class="note-cell">
        {handled && <span>{S.dnc.noted(handled.by, handled.note)} </span>}
        <button type="button" onClick={() => onNote(item)}>
          {handled ? S.dnc.markAgain : S.dnc.mark}
        </button>
      </td>
    </tr>
  );
};

const nameOf = ({ resource, number, token }: OpenItem): string => {
  if (resource === "records") return S.dnc.record(number ?? "");
  return shortTokens(number ?? token ?? S.chart.unknown);
};

/** By token: a number would not be allowed in an address. */
const filterFor = ({ resource, token, number, upstream }: OpenItem): string | undefined => {
  if (resource === "records" && number !== null)
    return `action:DoNotCall record:${number}${upstream === null ? "" : ` upstream:${upstream}`}`;
  if (token === null) return undefined;
  return `${resource === "customer_ids" ? "customer" : "phone"}:${token}`;
};

/** "refused OCSGW-2103": a state, and a code or a status. */
const LastAnswer = ({ id, ended }: Pick<OpenItem, "id" | "ended">) => {
  const [state = "", code = ""] = ended.split(" ");
  return (
    <>
      {state in S.outcome ? <OutcomeBadge outcome={state as Outcome} /> : state}{" "}
      <a class="mono" href={`/flows/${id}`}>
        {code === "" ? S.dnc.show : code}
      </a>
    </>
  );
};
