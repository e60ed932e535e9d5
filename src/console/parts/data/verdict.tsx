/** Good, bad, or not known: glyph, word and hue together, so that none of them is needed alone. */
import type { ComponentChildren } from "preact";

export type Mark = "good" | "bad" | "unknown" | "none";

const HUES: Readonly<Record<Mark, string>> = {
  good: "hue-ok",
  bad: "hue-refused",
  unknown: "hue-unknown",
  none: "muted",
};

export const MarkGlyph = ({ mark }: { readonly mark: Mark }) => (
  <svg class="glyph" viewBox="0 0 12 12" width="12" height="12" aria-hidden="true">
    {mark === "good" && (
      <path d="m1.8 6.4 2.8 2.9 5.6-6.6" fill="none" stroke="currentColor" stroke-width="2" stroke-linejoin="round" />
    )}
    {mark === "bad" && <path d="m2.4 2.4 7.2 7.2m0-7.2-7.2 7.2" stroke="currentColor" stroke-width="2.2" />}
    {mark === "unknown" && (
      <path
        d="M3.6 4.2c0-1.6 1.1-2.5 2.5-2.5s2.4.9 2.4 2.1c0 1.8-2.4 1.8-2.4 3.6m0 2.1v1"
        fill="none"
        stroke="currentColor"
        stroke-width="1.7"
        stroke-linecap="round"
      />
    )}
    {mark === "none" && <circle cx="6" cy="6" r="3.6" fill="none" stroke="currentColor" stroke-width="1.5" />}
  </svg>
);

export const Verdict = ({ mark, children }: { readonly mark: Mark; readonly children: ComponentChildren }) => (
  <span class={`verdict ${HUES[mark]}`}>
    <MarkGlyph mark={mark} />
    <span>{children}</span>
  </span>
);
