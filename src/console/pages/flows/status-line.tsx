/** What the list is at the moment: live or not, how far back, how many rows, what waits. */
import { useEffect, useState } from "preact/hooks";
import { run } from "../../keys.ts";
import { Strip } from "../../parts/states.tsx";
import { Menu } from "../../parts/menu.tsx";
import { Time } from "../../parts/time.tsx";
import { setQuery } from "../../router.ts";
import { seen } from "../../status.ts";
import { S } from "../../strings.ts";
import type { FeedState } from "./flow-feed.ts";

export const RANGES = ["15m", "1h", "24h", "7d", "all"] as const;
export type Range = (typeof RANGES)[number];

type Props = {
  readonly state: FeedState;
  readonly isPaused: boolean;
  readonly range: Range;
  readonly hasOwnTime: boolean;
};

const LOOKS = { live: "live", connecting: "waiting", stalled: "stalled", refused: "stalled" } as const;

export const StatusLine = ({ state, isPaused, range, hasOwnTime }: Props) => {
  const { stream, rows, next, waiting } = state;
  const newest = rows[0]?.time;
  return (
    <div class="toolbar flows-status">
      {hasOwnTime || !stream ? (
        <span class="live" title={S.flows.historyWhy}>
          {S.flows.history}
        </span>
      ) : (
        <>
          <span class={`live live-${isPaused ? "paused" : LOOKS[stream.is]}`}>
            {isPaused ? S.flows.paused : S.flows[stream.is]}
          </span>
          <button type="button" aria-pressed={isPaused} onClick={() => run("pause")}>
            {isPaused ? S.flows.resume : S.flows.pause}
          </button>
        </>
      )}
      {!hasOwnTime && (
        <Menu
          label={S.flows.ranges[range]}
          name={`${S.flows.range}: ${S.flows.ranges[range]}`}
          items={RANGES.map((each) => ({
            says: S.flows.ranges[each],
            checked: each === range,
            act: () => setQuery({ range: each === "15m" ? undefined : each }),
          }))}
        />
      )}
      <span class="muted number">
        {S.flows.shown(rows.length, next !== null)}
        {newest !== undefined && (
          <>
            {", "}
            {S.flows.newest("")}
            <Time at={newest} />
          </>
        )}
      </span>
      {waiting > 0 && (
        <button type="button" class="primary" onClick={() => run("newest")}>
          {S.flows.waiting(waiting)} <kbd aria-hidden="true">.</kbd>
        </button>
      )}
    </div>
  );
};

/** Why nothing new may be on screen. */
export const StreamStrips = ({ state: { stream, filledIn, missing, isCut } }: { readonly state: FeedState }) => {
  const [, tick] = useState(0);
  const isStalled = stream?.is === "stalled";
  useEffect(() => {
    if (!isStalled) return undefined;
    const timer = setInterval(() => tick((count) => count + 1), 1000);
    return () => clearInterval(timer);
  }, [isStalled]);
  return (
    <>
      {stream?.is === "stalled" && (
        <Strip kind="warning" urgent>
          {stream.why === undefined
            ? `${S.flows.noData(Math.max(1, Math.round((performance.now() - stream.since) / 1000)))} ${
                seen.value.failingSince === undefined ? S.flows.gatewayUp : S.flows.gatewayDown
              }`
            : S.flows.ended(stream.why)}
        </Strip>
      )}
      {stream?.is === "refused" && !stream.error.filter && (
        <Strip kind="warning">
          {stream.error.message} {stream.error.retryAfter > 0 && S.api.retryIn(stream.error.retryAfter)}
        </Strip>
      )}
      {filledIn !== undefined && filledIn > 0 && <Strip kind="info">{S.flows.filledIn(filledIn)}</Strip>}
      {missing && <Strip kind="warning">{S.flows.missing(missing.entries, missing.reason)}</Strip>}
      {isCut && <Strip kind="info">{S.flows.cut}</Strip>}
    </>
  );
};
