/** The embedded OCS of `ocsgw sandbox`: what it really saw, its state, and what it can be made to do. */
import type { SandboxFaultKinds, SandboxRequests, SandboxState } from "../../../admin/schemas/sandbox.ts";
import { get } from "../../api.ts";
import { useLoaded } from "../../load.ts";
import { whole } from "../../parts/data/numbers.ts";
import { ErrorStrip, Skeleton, Strip } from "../../parts/states.tsx";
import { Time } from "../../parts/time.tsx";
import { S } from "../../strings.ts";
import { ClockPart } from "./clock-part.tsx";
import { DialerPart } from "./dialer-part.tsx";
import { FaultsPart } from "./faults-part.tsx";
import { GroupsPart } from "./groups-part.tsx";
import { ListsPart } from "./lists-part.tsx";
import { RequestsPart } from "./requests-part.tsx";
import { SwitchoverPart } from "./switchover-part.tsx";
import "../evidence.css";
import "./sandbox.css";

const T = S.sandbox;
const EVERY_MS = 2000;

export const SandboxPage = () => {
  const state = useLoaded("state", (signal) => get<SandboxState>("/api/sandbox", undefined, signal), {
    every: EVERY_MS,
  });
  const requests = useLoaded("requests", (signal) => get<SandboxRequests>("/api/sandbox/requests", undefined, signal), {
    every: EVERY_MS,
  });
  const kinds = useLoaded("kinds", (signal) => get<SandboxFaultKinds>("/api/sandbox/fault-kinds", undefined, signal));
  const failed = [state, requests, kinds].find(({ error }) => error !== undefined);
  return (
    <div class="evidence-page sandbox-page">
      {failed && <ErrorStrip error={failed.error} retry={failed.again} />}
      {state.value ? (
        <Content
          state={state.value}
          requests={requests.value}
          kinds={kinds.value}
          onDone={() => (state.again(), requests.again())}
        />
      ) : (
        !failed && <Skeleton rows={12} />
      )}
    </div>
  );
};

type Props = {
  readonly state: SandboxState;
  readonly requests: SandboxRequests | undefined;
  readonly kinds: SandboxFaultKinds | undefined;
  readonly onDone: () => void;
};

const PARTS = [
  ["requests", T.requests],
  ["faults", T.faults],
  ["clock", T.clockTitle],
  ["switchover", T.switchover],
  ["groups", T.groups],
  ["dialer", T.dialer],
  ["lists", T.lists],
] as const;

const Content = ({ state, requests, kinds, onDone }: Props) => (
  <>
    <Strip kind="info">
      {T.about} <code class="address">{state.control}</code>
    </Strip>
    <Numbers state={state} requests={requests} />
    <nav class="part-links" aria-label={T.parts}>
      <ul>
        {PARTS.map(([id, title]) => (
          <li key={id}>
            <a href={`#${id}`}>{title}</a>
          </li>
        ))}
      </ul>
    </nav>
    <RequestsPart requests={requests} examples={state.examples} />
    <FaultsPart state={state} kinds={kinds} onDone={onDone} />
    <ClockPart now={state.now} ahead={state.ahead} onDone={onDone} />
    <SwitchoverPart {...state} onDone={onDone} />
    <GroupsPart groups={state.groups} />
    <DialerPart dialer={state.dialer} handles={state.handles} onDone={onDone} />
    <ListsPart lists={state.lists} />
  </>
);

const Numbers = ({ state, requests }: Pick<Props, "state" | "requests">) => {
  const { now, active, answers, faults, handles } = state;
  const on = faults.filter((fault) => fault.state === "on").length;
  const past = requests?.past_gateway ?? 0;
  return (
    <dl class="numbers" aria-label={T.numbers}>
      <div>
        <dt>{T.clock}</dt>
        <dd>
          <Time at={now} decimals={0} />
        </dd>
      </div>
      <div>
        <dt>{T.inRole}</dt>
        <dd class={answers ? "" : "hue-refused"}>{answers ? T.instances[active] : T.nobody}</dd>
      </div>
      <div>
        <dt>{T.faultsOn}</dt>
        <dd class={`number ${on > 0 ? "hue-refused" : ""}`}>{whole(on)}</dd>
      </div>
      <div>
        <dt>{T.openHandles}</dt>
        <dd class="number">{whole(handles.open)}</dd>
      </div>
      <div>
        <dt>{T.read}</dt>
        <dd class="number">{requests ? whole(requests.total) : S.chart.unknown}</dd>
      </div>
      <div>
        <dt>{T.past}</dt>
        <dd class={`number ${past > 0 ? "hue-refused" : ""}`}>{requests ? whole(past) : S.chart.unknown}</dd>
      </div>
    </dl>
  );
};
