/** The columns of the flows table. */
import { Masked } from "../../parts/masked.tsx";
import { OutcomeBadge } from "../../parts/outcome.tsx";
import { Time } from "../../parts/time.tsx";
import type { Column } from "../../parts/virtual-table.tsx";
import { preferences } from "../../preferences.ts";
import { S } from "../../strings.ts";
import type { FlowRow } from "./flow-list.ts";
import { actionOf, outcomeOf, subjectOf, waitOf } from "./row-text.ts";

const { columns } = S.flows;

const zoneName = (): string => {
  const { zone } = preferences.value;
  return columns.timeIn(S.time[zone]);
};

const Where = ({ row }: { readonly row: FlowRow }) =>
  row.id === undefined ? (
    <Time at={row.time} />
  ) : (
    <a href={`/flows/${row.id}`} tabIndex={-1}>
      <Time at={row.time} />
    </a>
  );

/** Under it, where there is no room for a column: what it was about. */
const Action = ({ row }: { readonly row: FlowRow }) => (
  <>
    {actionOf(row)}
    <span class="under">
      <Masked text={subjectOf(row)} />
    </span>
  </>
);

const Code = ({ code, would }: Pick<FlowRow, "code" | "would">) => {
  if (code !== undefined) return <code>{code}</code>;
  return would === undefined ? null : <span class="would">{S.flows.would(would)}</span>;
};

const ALL = (): readonly Column<FlowRow>[] => [
  { name: "time", title: zoneName(), show: (row) => <Where row={row} /> },
  {
    name: "result",
    title: columns.result,
    show: (row) => <OutcomeBadge outcome={outcomeOf(row)} status={row.status} />,
  },
  { name: "origin", title: columns.origin, show: ({ origin }) => origin && S.flows.origins[origin] },
  { name: "tenant", title: columns.tenant, show: ({ tenant }) => tenant?.name },
  { name: "client", title: columns.client, show: ({ client }) => client },
  { name: "action", title: columns.action, show: (row) => <Action row={row} /> },
  { name: "subject", title: columns.subject, show: (row) => <Masked text={subjectOf(row)} /> },
  { name: "code", title: columns.code, show: ({ code, would }) => <Code code={code} would={would} /> },
  { name: "queue", title: columns.queue, isNumber: true, show: ({ queue, lane }) => lane && waitOf(queue) },
  { name: "total", title: columns.total, isNumber: true, show: ({ total }) => waitOf(total) },
];

/** Columns that a user may hide. */
export const OPTIONAL = ["origin", "tenant", "client", "action", "subject", "code", "queue", "total"] as const;

/** The columns that the user has not hidden. */
export const shownColumns = (): readonly Column<FlowRow>[] =>
  ALL().filter(({ name }) => !preferences.value.hidden.includes(name));
