/** How a flow ended: glyph, word and hue together, so that none of them is needed alone. */
import type { State } from "../../journal/search/transaction.ts";
import { S } from "../strings.ts";

export type Outcome = State | "event";

/** The four of the legend; the other states look like the one that they are closest to. */
const LOOK: Readonly<Record<Outcome, "ok" | "ocs-no" | "refused" | "no-answer" | "open" | "event">> = {
  ok: "ok",
  "ocs-no": "ocs-no",
  refused: "refused",
  "no-answer": "no-answer",
  "in-doubt": "no-answer",
  abandoned: "refused",
  open: "open",
  replayed: "event",
  accepted: "open",
  event: "event",
};

export const OutcomeGlyph = ({ outcome }: { readonly outcome: Outcome }) => {
  const look = LOOK[outcome];
  return (
    <svg class={`glyph glyph-${look}`} viewBox="0 0 12 12" width="12" height="12" aria-hidden="true">
      {look === "ok" && <circle cx="6" cy="6" r="3.6" fill="currentColor" />}
      {look === "ocs-no" && <path d="M6 1.6 11.2 10.6H.8Z" fill="currentColor" />}
      {look === "refused" && <path d="m2.4 2.4 7.2 7.2m0-7.2-7.2 7.2" stroke="currentColor" stroke-width="2.2" />}
      {look === "no-answer" && (
        <>
          <rect width="12" height="12" rx="3" fill="currentColor" />
          <path
            class="glyph-inner"
            d="M4.2 4.6c0-1.2.8-1.9 1.9-1.9s1.8.7 1.8 1.6c0 1.4-1.8 1.3-1.8 2.7M6.1 9v.6"
            fill="none"
            stroke-width="1.4"
            stroke-linecap="round"
          />
        </>
      )}
      {look === "open" && <circle cx="6" cy="6" r="3.4" fill="none" stroke="currentColor" stroke-width="1.6" />}
      {look === "event" && (
        <path d="M6 1.8 10.2 6 6 10.2 1.8 6Z" fill="none" stroke="currentColor" stroke-width="1.5" />
      )}
    </svg>
  );
};

/** Glyph and word. `no answer` is the only outcome that needs somebody, so its badge is the only filled one. */
export const OutcomeBadge = ({
  outcome,
  status,
}: {
  readonly outcome: Outcome;
  readonly status?: number | undefined;
}) => (
  <span class={`outcome outcome-${LOOK[outcome]}`}>
    <OutcomeGlyph outcome={outcome} />
    {status === undefined ? null : <span class="number">{status}</span>}
    <span>{S.outcome[outcome]}</span>
  </span>
);
