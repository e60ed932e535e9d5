/** Mode, OCS's role and the journal's badge: text and shape, never colour alone. */
import type { Status } from "../../admin/status.ts";
import { seen, type HeaderState } from "../status.ts";
import { S } from "../strings.ts";
import { spanOf } from "../time.ts";

export const StatusStrip = () => {
  const { status } = seen.value;
  return (
    <div class="status-strip" aria-busy={!status}>
      {status && (
        <>
          <Mode status={status} />
          {status.upstreams.map((upstream) => (
            <Upstream key={upstream.name} upstream={upstream} isOnly={status.upstreams.length === 1} />
          ))}
          {status.journal && <JournalBadge journal={status.journal} />}
          <Warnings status={status} />
        </>
      )}
    </div>
  );
};

const Mode = ({ status: { modes } }: { readonly status: HeaderState }) => {
  const all = modes.enforce + modes.observe;
  return (
    <span class={modes.observe > 0 ? "fact fact-observe" : "fact"}>
      <Shape of={modes.observe > 0 ? "half" : "full"} />
      {modes.enforce === 0 && all > 0 ? S.header.observing(all) : S.header.enforcing(modes.enforce, all)}
    </span>
  );
};

type UpstreamProps = { readonly upstream: HeaderState["upstreams"][number]; readonly isOnly: boolean };

const Upstream = ({ upstream, isOnly }: UpstreamProps) => {
  const active = upstream.endpoints.find((each) => each.active);
  const isUp = active?.up ?? false;
  return (
    <span class={isUp ? "fact fact-ok" : "fact fact-bad"} title={active?.endpoint}>
      <Shape of={isUp ? "full" : "cross"} />
      <span>
        {S.header.ocs} {isOnly ? "" : `${upstream.name} `}
        {active ? S.header[active.role] : ""} {isUp ? "" : S.header.down}
      </span>
    </span>
  );
};

type Badge = { readonly shape: ShapeName; readonly look: string; readonly says: string };

/** Green only for what was verified, and how far (ux: "Green means verified"). Exported for the integrity page. */
export const journalBadge = ({ journal }: Pick<Status, "journal">, now = Date.now()): Badge => {
  if (journal.failed !== null) return { shape: "cross", look: "bad", says: S.header.failed };
  if (journal.damage.length > 0) return { shape: "cross", look: "bad", says: S.header.broken };
  const { verified } = journal;
  if (!verified) return { shape: "hollow", look: "plain", says: S.header.unverified };
  return { shape: "check", look: "ok", says: S.header.verified(verified.size, spanOf(Math.max(0, now - verified.at))) };
};

const JournalBadge = ({ journal }: Pick<Status, "journal">) => {
  const { shape, look, says } = journalBadge({ journal });
  return (
    <span class={`fact fact-${look}`}>
      <Shape of={shape} />
      {S.header.audit} {says}
    </span>
  );
};

const Warnings = ({ status }: { readonly status: HeaderState }) => {
  const { ready = true, reasons = [], warnings = [] } = status;
  const all = [...reasons, ...warnings];
  if (all.length === 0) return null;
  return (
    <details class="fact fact-warning warnings">
      <summary>
        <Shape of="triangle" />
        {ready ? S.header.warnings(all.length) : S.header.notReady}
      </summary>
      <ul>
        {all.map((each) => (
          <li key={each}>{each}</li>
        ))}
      </ul>
    </details>
  );
};

type ShapeName = "full" | "half" | "hollow" | "cross" | "check" | "triangle";

const Shape = ({ of }: { readonly of: ShapeName }) => (
  <svg class="shape" viewBox="0 0 12 12" width="11" height="11" aria-hidden="true">
    {of === "full" && <circle cx="6" cy="6" r="4.2" fill="currentColor" />}
    {(of === "hollow" || of === "half") && (
      <circle cx="6" cy="6" r="4.2" fill="none" stroke="currentColor" stroke-width="1.5" />
    )}
    {of === "half" && <path d="M6 1.8a4.2 4.2 0 0 0 0 8.4Z" fill="currentColor" />}
    {of === "cross" && <path d="m2.4 2.4 7.2 7.2m0-7.2-7.2 7.2" stroke="currentColor" stroke-width="2.2" />}
    {of === "check" && (
      <path d="m1.8 6.4 2.9 2.9 5.5-6.4" fill="none" stroke="currentColor" stroke-width="2" stroke-linejoin="round" />
    )}
    {of === "triangle" && <path d="M6 1.6 11.2 10.6H.8Z" fill="currentColor" />}
  </svg>
);
