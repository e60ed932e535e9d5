/** One flow: what happened to this request, and why. */
import { useEffect, useRef } from "preact/hooks";
import type { FoundFlow } from "../../../admin/schemas/flow.ts";
import type { TransactionJson } from "../../../journal/search/to-json.ts";
import { ApiError, get } from "../../api.ts";
import { copy } from "../../clipboard.ts";
import { handleKeys } from "../../keys.ts";
import { useLoaded } from "../../load.ts";
import { CodeLink } from "../../parts/code-link.tsx";
import { Masked } from "../../parts/masked.tsx";
import { Menu, openMenu } from "../../parts/menu.tsx";
import { OutcomeBadge } from "../../parts/outcome.tsx";
import { Empty, ErrorStrip, Skeleton, Strip } from "../../parts/states.tsx";
import { go, goBack, hrefOf } from "../../router.ts";
import { S } from "../../strings.ts";
import { localZone, longTime, shortTime } from "../../time.ts";
import { asJsonLines, asText } from "../flows/copy-as.ts";
import { view } from "../flows/flow-view.ts";
import { copyCurl } from "../flows/row-tools.tsx";
import { actionOf, outcomeOf, subjectOf } from "../flows/row-text.ts";
import { Decisions, Journal, Related, Request, Section, WhatHappened } from "./sections.tsx";
import { asTicket, type Explanation } from "./ticket.ts";
import { Timeline } from "./timeline.tsx";
import { WaitedFor, type Holders } from "./waited-for.tsx";

/** The reply, with entries as the journal has them. */
type Found = Omit<FoundFlow, "requests" | "waited_for"> & {
  readonly requests: readonly TransactionJson[];
  readonly waited_for: Holders | null;
};

/** A request that is under way is asked for until it has ended. */
const AGAIN_MS = 2000;
const MOST_LOCATING = 10;
const COPY = "copy-flow";

type PageProps = { readonly params: Readonly<Record<string, string>> };

export const FlowPage = ({ params: { id = "" } }: PageProps) => {
  const isOpen = useRef(false);
  const asked = useRef(0);
  const loaded = useLoaded(
    `flow ${id}`,
    (signal) => get<Found>(`/api/flows/${encodeURIComponent(id)}`, undefined, signal),
    {
      ...(isOpen.current && { every: AGAIN_MS }),
    },
  );
  const [flow, ...others] = loaded.value?.requests ?? [];
  // The line of the config may be found a moment later; if the file has changed since, it never is.
  const isLocating = loaded.value?.explanation?.decided_by?.at === null && (asked.current += 1) < MOST_LOCATING;
  isOpen.current = flow?.state === "open" || isLocating;
  useKeys(id);
  if (loaded.error instanceof ApiError && loaded.error.status === 404)
    return (
      <Empty title={S.flow.none}>
        <p>{loaded.error.message}</p>
        <p>
          <a href="/flows">{S.flow.back}</a>
        </p>
      </Empty>
    );
  return (
    <>
      {loaded.error !== undefined && <ErrorStrip error={loaded.error} retry={loaded.again} />}
      {!flow && loaded.isLoading && <Skeleton rows={14} />}
      {flow && others.length > 0 && <Several flows={[flow, ...others]} />}
      {flow && others.length === 0 && (
        <Flow
          flow={flow}
          explanation={loaded.value?.explanation ?? null}
          waitedFor={loaded.value?.waited_for ?? null}
        />
      )}
    </>
  );
};

/** The flow before or after this one in the list that was left. */
const neighbour = (id: string, step: number): string | undefined => {
  const rows = (view.peek()?.rows ?? []).filter((row) => row.id !== undefined);
  const at = rows.findIndex((row) => row.id === id);
  return at < 0 ? undefined : rows[at + step]?.id;
};

const toNeighbour = (id: string, step: number): void => {
  const other = neighbour(id, step);
  if (other !== undefined) go(`/flows/${other}`, { replace: true });
};

const useKeys = (id: string): void =>
  useEffect(
    () =>
      handleKeys({
        back: () => goBack("/flows"),
        previous: () => toNeighbour(id, -1),
        next: () => toNeighbour(id, 1),
        copy: () => openMenu(COPY),
      }),
    [id],
  );

const Several = ({ flows }: { readonly flows: readonly TransactionJson[] }) => (
  <Section title={S.flow.several}>
    <ul class="related">
      {flows.map(({ id }) => (
        <li key={id}>
          <a href={`/flows/${id ?? ""}`} class="mono">
            {id}
          </a>
        </li>
      ))}
    </ul>
  </Section>
);

type Props = { readonly flow: TransactionJson; readonly explanation: Explanation | null };

const Flow = ({ flow, explanation, waitedFor }: Props & { readonly waitedFor: Found["waited_for"] }) => {
  useEffect(() => handleKeys({ curl: () => copyCurl(flow) }), [flow]);
  return (
    <article class="flow">
      <FlowHead flow={flow} explanation={explanation} />
      {flow.would !== undefined && <Strip kind="observe">{S.flow.would(flow.would)}</Strip>}
      {flow.suspected && <Strip kind="warning">{S.flow.suspected}</Strip>}
      <div class="flow-panels">
        {explanation && <WhatHappened explanation={explanation} />}
        <Section title={S.flow.timeline} name="panel-timeline">
          <Timeline flow={flow} />
          {waitedFor && <WaitedFor holders={waitedFor} hasLane={flow.lane !== undefined} />}
        </Section>
        {explanation && <Decisions explanation={explanation} />}
        <Request flow={flow} />
        <Journal key={flow.id} flow={flow} />
        <Related flow={flow} explanation={explanation} />
      </div>
    </article>
  );
};

const FlowHead = ({ flow, explanation }: Props) => {
  const { id = "", code, status, time, client, tenant, source, credential, listener, trace } = flow;
  const link = location.origin + hrefOf(`/flows/${id}`);
  const facts: readonly (readonly [string, string | undefined])[] = [
    [S.flow.client, client],
    [S.flow.tenant, tenant && `${tenant.name} (${tenant.dbid})`],
    [S.flow.credential, credential],
    [S.flow.source, source],
    [S.flow.listener, listener],
    [S.flow.trace, trace],
  ];
  return (
    <header class="flow-head">
      <div class="flow-line">
        <a href="/flows" class="flow-back" onClick={(event) => (event.preventDefault(), goBack("/flows"))}>
          ‹ {S.flow.back}
        </a>
        <code class="flow-id">{id}</code>
        <OutcomeBadge outcome={outcomeOf(flow)} status={status} />
        {code !== undefined && <CodeLink code={code} />}
        <div class="flow-tools">
          <Step id={id} step={-1} label={S.flow.previous} sign="↑" />
          <Step id={id} step={1} label={S.flow.next} sign="↓" />
          <Menu
            id={COPY}
            label={S.flow.copyAs}
            items={[
              { says: S.flow.copy.ticket, act: () => void copy(asTicket(flow, explanation, link)) },
              { says: S.flow.copy.text, act: () => void copy(asText([flow])) },
              { says: S.flow.copy.json, act: () => void copy(asJsonLines([flow])) },
              { says: S.flow.copy.curl, act: () => copyCurl(flow) },
              { says: S.flow.copy.link, act: () => void copy(link) },
              { says: S.flow.copy.id, act: () => void copy(id) },
            ]}
          />
        </div>
      </div>
      <p class="flow-title">
        <strong>{actionOf(flow)}</strong> <Masked text={subjectOf(flow)} />
      </p>
      <dl class="facts">
        <div>
          <dt>{S.flow.time}</dt>
          <dd class="number">
            <time dateTime={time}>{longTime(time, true)}</time>
            {localZone() !== "UTC" && ` (${shortTime(time, false, Date.parse(time), 0)} ${localZone()})`}
          </dd>
        </div>
        {facts.map(([name, value]) =>
          value === undefined ? null : (
            <div key={name}>
              <dt>{name}</dt>
              <dd>{value}</dd>
            </div>
          ),
        )}
      </dl>
    </header>
  );
};

type StepProps = { readonly id: string; readonly step: number; readonly label: string; readonly sign: string };

const Step = ({ id, step, label, sign }: StepProps) => (
  <button
    type="button"
    class="quiet"
    aria-label={label}
    title={label}
    disabled={neighbour(id, step) === undefined}
    onClick={() => toNeighbour(id, step)}
  >
    {sign}
  </button>
);
