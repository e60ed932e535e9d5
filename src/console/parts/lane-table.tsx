/** Lanes with what each is doing. Lanes without a request can be left out: there may be hundreds. */
import type { Lane } from "../../admin/api/now-schema.ts";
import { S } from "../strings.ts";
import { spanOf } from "../time.ts";
import { TableFrame } from "./data/table-frame.tsx";

type Props = {
  readonly lanes: readonly Lane[];
  readonly caption: string;
  /** Shows this many lanes without a request; all of them if left out. */
  readonly quiet?: number;
  /** All lanes are of one tenant. */
  readonly hidesTenant?: boolean;
  readonly empty: string;
};

/** A request on a lane for longer than this is slow. Milliseconds. */
const SLOW_MS = 1000;
/** The bar is full after this time. */
const FULL_MS = 10_000;

const isWorking = ({ state }: Lane): boolean => state === "busy" || state === "connecting";

export const LaneTable = ({ lanes, caption, quiet = Infinity, hidesTenant = false, empty }: Props) => {
  if (lanes.length === 0) return <p class="muted">{empty}</p>;
  const working = lanes.filter(isWorking);
  const others = lanes.filter((lane) => !isWorking(lane));
  const shown = new Set([...working, ...others.slice(0, quiet)]);
  const left = lanes.length - shown.size;
  return (
    <TableFrame label={caption}>
      <table class="plain-table lane-table">
        <caption class="visually-hidden">{caption}</caption>
        <thead>
          <tr>
            <th scope="col">{S.now.lane}</th>
            <th scope="col">{S.now.state}</th>
            {!hidesTenant && <th scope="col">{S.now.tenant}</th>}
            <th scope="col">{S.now.request}</th>
            <th scope="col" class="right">
              {S.now.for}
            </th>
          </tr>
        </thead>
        <tbody>
          {lanes
            .filter((lane) => shown.has(lane))
            .map((lane) => (
              <LaneRow key={lane.name} lane={lane} hidesTenant={hidesTenant} />
            ))}
        </tbody>
      </table>
      {left > 0 && <p class="muted">{S.now.otherLanes(left)}</p>}
    </TableFrame>
  );
};

const LaneRow = ({ lane, hidesTenant }: { readonly lane: Lane; readonly hidesTenant: boolean }) => {
  const { name, state, tenant, request, since_ms } = lane;
  const isSlow = state === "busy" && since_ms > SLOW_MS;
  return (
    <tr class={isWorking(lane) ? "" : "muted"}>
      <th scope="row" class="number">
        {name.slice(name.lastIndexOf("/") + 1)}
      </th>
      <td>
        <LaneGlyph state={state} /> <span class="lane-state">{S.now.states[state]}</span>
      </td>
      {!hidesTenant && <td>{tenant?.name ?? ""}</td>}
      <td class="wide">
        {request && (
          <>
            {request.action} <span class="mono">{placeOf(request)}</span>
          </>
        )}
      </td>
      <td class="number right">
        {isWorking(lane) && <Bar part={Math.min(1, since_ms / FULL_MS)} />} {spanOf(since_ms)}
        {isSlow && <strong class="slow"> {S.now.slow}</strong>}
      </td>
    </tr>
  );
};

const placeOf = ({ resource, identifier }: NonNullable<Lane["request"]>): string =>
  identifier === null ? resource : `${resource}/${identifier}`;

const LaneGlyph = ({ state }: { readonly state: Lane["state"] }) => (
  <svg class={`glyph lane-${state}`} viewBox="0 0 12 12" width="12" height="12" aria-hidden="true">
    {state === "busy" && <rect x="1" y="2" width="10" height="8" rx="1.5" fill="currentColor" />}
    {state === "ready" && (
      <rect x="1.8" y="2.8" width="8.4" height="6.4" rx="1.5" fill="none" stroke="currentColor" stroke-width="1.6" />
    )}
    {state === "connecting" && (
      <path d="M1 6h6M5 3l3 3-3 3M10.5 2v8" fill="none" stroke="currentColor" stroke-width="1.6" />
    )}
    {state === "idle" && <path d="M2 6h8" stroke="currentColor" stroke-width="1.6" stroke-dasharray="2 2" />}
  </svg>
);

const Bar = ({ part }: { readonly part: number }) => (
  <svg class="lane-bar" viewBox="0 0 40 6" width="40" height="6" aria-hidden="true">
    <rect width="40" height="6" rx="2" class="lane-bar-ground" />
    <rect width={Math.max(2, 40 * part)} height="6" rx="2" fill="currentColor" />
  </svg>
);
