/** What can be done with the chosen rows, for the pointer; the same as the keys do. */
import { copy } from "../../clipboard.ts";
import { announce } from "../../announce.ts";
import { Menu, type MenuItem } from "../../parts/menu.tsx";
import type { Column } from "../../parts/virtual-table.tsx";
import { preferences, prefer } from "../../preferences.ts";
import { hrefOf, setQuery } from "../../router.ts";
import { withTerm } from "../../filter-text.ts";
import { S } from "../../strings.ts";
import { OPTIONAL } from "./columns.tsx";
import { asCurl, asJsonLines, asMarkdown, asText } from "./copy-as.ts";
import type { FlowRow } from "./flow-list.ts";
import { neighbourFilters, termFor } from "./row-text.ts";
import type { Selection } from "./selection.ts";

export const NEIGHBOURS = "neighbours-menu";
export const COPY = "copy-menu";

type Props = {
  readonly selection: Selection;
  readonly columns: readonly Column<FlowRow>[];
  readonly filter: string;
  readonly onOpen: (row: FlowRow) => void;
};

/** Shows only flows with this filter; the range of time is the filter's own. */
const show = (filter: string): void => setQuery({ filter, off: undefined }, false);

export const copyCurl = (row: FlowRow | undefined): void => {
  const curl = row && asCurl(row);
  if (curl === undefined) announce(S.flows.noCurl);
  else void copy(curl);
};

const copyItems = (rows: readonly FlowRow[]): MenuItem[] => [
  { says: S.flows.copyAs.text, act: () => void copy(asText(rows)) },
  { says: S.flows.copyAs.json, act: () => void copy(asJsonLines(rows)) },
  { says: S.flows.copyAs.markdown, act: () => void copy(asMarkdown(rows)) },
  ...(rows.length === 1 && rows[0]!.id !== undefined
    ? [
        { says: S.flows.copyAs.curl, act: () => copyCurl(rows[0]) },
        { says: S.flows.copyAs.link, act: () => void copy(location.origin + hrefOf(`/flows/${rows[0]!.id}`)) },
      ]
    : []),
];

const neighbourItems = (row: FlowRow): MenuItem[] =>
  Object.entries(neighbourFilters(row)).flatMap(([name, filter]) =>
    filter === undefined || filter === ""
      ? []
      : [{ says: S.flows.near[name as keyof typeof S.flows.near], act: () => show(filter) }],
  );

const rowItems = ({ selection: { row }, columns, filter, onOpen }: Props): MenuItem[] => {
  if (!row) return [];
  const terms = [...new Set(columns.flatMap(({ name }) => termFor(row, name) ?? []))];
  return [
    { says: S.flows.open, act: () => onOpen(row) },
    ...terms.map((term) => ({ says: S.flows.filterFor(term), act: () => show(withTerm(filter, term)) })),
    ...terms.map((term) => ({ says: S.flows.filterOut(term), act: () => show(withTerm(filter, `-${term}`)) })),
  ];
};

export const RowTools = (props: Props) => {
  const { selection } = props;
  const { row, rows } = selection;
  return (
    <>
      <Menu label={S.flows.row} items={rowItems(props)} disabled={!row} />
      <Menu id={NEIGHBOURS} label={S.flows.neighbours} items={row ? neighbourItems(row) : []} disabled={!row} />
      <Menu id={COPY} label={S.flows.copyRows(Math.max(1, rows.length))} items={copyItems(rows)} disabled={!rows[0]} />
    </>
  );
};

export const ColumnsMenu = () => {
  const { hidden } = preferences.value;
  return (
    <Menu
      label={S.flows.chooseColumns}
      items={OPTIONAL.map((name) => ({
        says: S.flows.columns[name],
        isBox: true,
        checked: !hidden.includes(name),
        act: () =>
          prefer({ hidden: hidden.includes(name) ? hidden.filter((each) => each !== name) : [...hidden, name] }),
      }))}
    />
  );
};
