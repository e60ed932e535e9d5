/** What a page shows while it has nothing to show, or not yet, or no longer. */
import type { ComponentChildren } from "preact";
import { useEffect, useState } from "preact/hooks";
import { ApiError } from "../api.ts";
import { S } from "../strings.ts";

/** After 300 ms: what is quicker would only flicker. `rows`: how much space the content will take. */
export const Skeleton = ({ rows = 6, label = S.api.loading }: { readonly rows?: number; readonly label?: string }) => {
  const [isLate, setLate] = useState(false);
  useEffect(() => {
    const timer = setTimeout(() => setLate(true), 300);
    return () => clearTimeout(timer);
  }, []);
  if (!isLate) return null;
  return (
    <div class="skeleton" role="status">
      <span class="visually-hidden">{label}</span>
      {Array.from({ length: rows }, (_each, place) => (
        <span key={place} class={`bone bone-${place % 4}`} aria-hidden="true" />
      ))}
    </div>
  );
};

/** Says what is not there and, where something can be done, what. */
export const Empty = ({ title, children }: { readonly title: string; readonly children?: ComponentChildren }) => (
  <div class="empty">
    <p class="empty-title">{title}</p>
    {children}
  </div>
);

type StripProps = {
  readonly kind: "error" | "warning" | "info" | "observe";
  readonly children: ComponentChildren;
  readonly action?: { readonly says: string; readonly act: () => void } | undefined;
  /** Read out at once by screen readers; otherwise when they are idle. */
  readonly urgent?: boolean;
};

export const Strip = ({ kind, children, action, urgent = false }: StripProps) => (
  <div class={`strip strip-${kind}`} role={urgent ? "alert" : "status"}>
    <div class="strip-text">{children}</div>
    {action && (
      <button type="button" onClick={action.act}>
        {action.says}
      </button>
    )}
  </div>
);

/** Why something failed; what was there before stays on screen under it. */
export const ErrorStrip = ({ error, retry }: { readonly error: unknown; readonly retry?: () => void }) => {
  const text = error instanceof ApiError ? error.message : S.api.broken;
  const later = error instanceof ApiError && error.retryAfter > 0 ? ` ${S.api.retryIn(error.retryAfter)}` : "";
  return (
    <Strip kind="error" urgent action={retry && { says: S.api.retry, act: retry }}>
      <span class="pre">{text}</span>
      {later}
    </Strip>
  );
};
