/** What a look-up found, and what it covers: "nothing found" is worth as much as that. */
import type { LookUpReply } from "../../../admin/schemas/flow.ts";
import { Masked } from "../../parts/masked.tsx";
import { OutcomeBadge } from "../../parts/outcome.tsx";
import { CodeLink } from "../../parts/code-link.tsx";
import { PlainTable } from "../../parts/data/plain-table.tsx";
import { Empty, Strip } from "../../parts/states.tsx";
import { Time } from "../../parts/time.tsx";
import { Verdict, type Mark } from "../../parts/data/verdict.tsx";
import { hrefOf } from "../../router.ts";
import { S } from "../../strings.ts";
import type { Asked } from "./asked.ts";

type Evidence = NonNullable<LookUpReply["evidence"]>;
type Flow = LookUpReply["requests"][number];

type Props = {
  readonly asked: Asked;
  readonly pages: readonly LookUpReply[];
  readonly left: number | undefined;
  /** Names by DBID. */
  readonly tenants: ReadonlyMap<number, string>;
  readonly isBusy: boolean;
  readonly onOlder: () => void;
  readonly onBundle: () => void;
};

export const Result = ({ asked, pages, left, tenants, isBusy, onOlder, onBundle }: Props) => {
  const flows = pages.flatMap(({ requests }) => requests);
  const isMore = pages.at(-1)!.next !== null;
  const { evidence, warnings } = pages[0]!;
  const isScoped = evidence?.tenants !== undefined;
  return (
    <>
      {warnings.map((each) => (
        <Strip key={each} kind="warning">
          {each}
        </Strip>
      ))}
      <section class="evidence-part" aria-labelledby="result">
        <div class="part-head">
          <h2 id="result">
            <span role="status">{S.lookUp.result(flows.length, isMore)}</span>
          </h2>
          <div class="toolbar-part">
            {left !== undefined && <span class="muted">{S.lookUp.left(left)}</span>}
            {evidence && <a href={flowsHref(asked, evidence)}>{S.lookUp.openFlows}</a>}
            <button type="button" title={isScoped ? S.lookUp.reportHelp : S.lookUp.bundleHelp} onClick={onBundle}>
              {isScoped ? S.lookUp.report : S.lookUp.bundle}
            </button>
          </div>
        </div>
        {flows.length === 0 ? <Empty title={S.lookUp.nothing} /> : <Flows flows={flows} kind={asked.kind} />}
        {isMore && (
          <button type="button" class="more" disabled={isBusy} onClick={onOlder}>
            {S.lookUp.older}
          </button>
        )}
      </section>
      {evidence && <Coverage evidence={evidence} tenants={tenants} />}
    </>
  );
};

/** By tokens, which are safe to share. */
const flowsHref = ({ kind, filter }: Asked, { tokens }: Evidence): string =>
  hrefOf("/flows", { filter: `${kind === "phone" ? "phone" : "customer"}:${tokens.join(",")} ${filter}`.trim() });

const HEAD = [
  S.lookUp.time,
  S.lookUp.action,
  S.lookUp.outcome,
  S.lookUp.code,
  S.lookUp.tenant,
  S.lookUp.client,
  S.lookUp.epoch,
];

const Flows = ({ flows, kind }: { readonly flows: readonly Flow[]; readonly kind: Asked["kind"] }) => (
  <PlainTable caption={S.lookUp.caption} head={HEAD}>
    {flows.map((flow) => (
      <tr key={flow.id ?? `${flow.at} ${flow.time}`}>
        <td>{flow.id === undefined ? <Time at={flow.time} long /> : <FlowLink flow={flow} />}</td>
        <th scope="row">
          {flow.action ?? flow.kinds.join(" ")} <Masked text={targetOf(flow)} />
        </th>
        <td>
          <OutcomeBadge outcome={flow.state ?? "event"} status={flow.status} />
        </td>
        <td>{flow.code !== undefined && <CodeLink code={flow.code} />}</td>
        <td>{flow.tenant?.name}</td>
        <td>{flow.client}</td>
        <td class="mono">{epochOf(flow, kind)}</td>
      </tr>
    ))}
  </PlainTable>
);

const FlowLink = ({ flow: { id, time } }: { readonly flow: Flow }) => (
  <a href={`/flows/${id}`}>
    <Time at={time} long />
  </a>
);

const targetOf = ({ resource, identifier }: Flow): string =>
  resource === undefined ? "" : identifier === null ? resource : `${resource}/${identifier}`;

/** The index key that made the token by which it was found: t1 of t1:9f2c…. */
const epochOf = ({ phone, customer, announced_phone, announced_customer }: Flow, kind: Asked["kind"]): string =>
  (kind === "phone" ? (phone ?? announced_phone) : (customer ?? announced_customer))?.split(":")[0] ?? "";

const KEY_MARKS: Readonly<Record<Evidence["epochs"][number]["key"], Mark>> = {
  same: "good",
  unused: "good",
  missing: "bad",
  other: "bad",
  unproven: "unknown",
};

type CoverageProps = { readonly evidence: Evidence; readonly tenants: Props["tenants"] };

const Coverage = ({ evidence, tenants }: CoverageProps) => {
  const { complete, spellings, epochs, gaps, uncovered } = evidence;
  const says = evidence.tenants ? S.lookUp.completeFor : S.lookUp.complete;
  return (
    <section class="evidence-part" aria-labelledby="coverage">
      <h2 id="coverage">{S.lookUp.coverage}</h2>
      <p>
        <Verdict mark={complete ? "good" : "bad"}>{complete ? says : S.lookUp.notComplete}</Verdict>
      </p>
      <dl class="fact-list">
        <dt>{S.lookUp.spellings}</dt>
        <dd>{spellings.join("; ")}</dd>
        {evidence.tenants && (
          <>
            <dt>{S.lookUp.covers}</dt>
            <dd>
              {S.lookUp.coversOnly(evidence.tenants.map((dbid) => `${tenants.get(dbid) ?? ""} (${dbid})`.trim()))}
              <div>{S.lookUp.withoutTenant}</div>
            </dd>
          </>
        )}
        {evidence.searched && <Period searched={evidence.searched} />}
        <dt>{S.lookUp.keys}</dt>
        <dd>
          <ul>
            {epochs.map(({ epoch, key, first, last }) => (
              <li key={epoch}>
                <Verdict mark={KEY_MARKS[key]}>
                  <span class="mono">{epoch}</span> {S.lookUp.key[key]}
                </Verdict>
                {first !== undefined && last !== undefined && (
                  <span class="muted">
                    {" "}
                    {S.lookUp.inUse} <Time at={first} long /> {S.lookUp.until} <Time at={last} long />
                  </span>
                )}
              </li>
            ))}
          </ul>
        </dd>
        <dt>{S.lookUp.gaps}</dt>
        <dd>
          {gaps.length === 0
            ? S.lookUp.noGaps
            : gaps.map(({ from, to, reason }) => <div key={`${from} ${reason}`}>{S.lookUp.gap(from, to, reason)}</div>)}
        </dd>
        <dt>{S.lookUp.unnamed}</dt>
        <dd>
          {uncovered.length === 0 && S.lookUp.noUnnamed}
          {uncovered.map(({ says, filter }) => (
            <div key={filter}>
              {says}. <a href={hrefOf("/flows", { filter })}>{S.lookUp.list}</a>
            </div>
          ))}
        </dd>
      </dl>
    </section>
  );
};

const Period = ({ searched: { from, to, first, last } }: { readonly searched: NonNullable<Evidence["searched"]> }) => (
  <>
    <dt>{S.lookUp.period}</dt>
    <dd>
      {first === undefined || last === undefined ? (
        S.lookUp.noEntries
      ) : (
        <>
          {S.lookUp.entries(to - from)}, <Time at={first} long /> {S.lookUp.until} <Time at={last} long />
          <div>{S.lookUp.before}</div>
        </>
      )}
    </dd>
  </>
);
