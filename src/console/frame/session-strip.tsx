import { useEffect, useState } from "preact/hooks";
import { Strip } from "../parts/states.tsx";
import { person, refreshSession } from "../session.ts";
import { S } from "../strings.ts";
import { spanOf } from "../time.ts";

const WARN_MS = 2 * 60_000;
const LOOK_MS = 5000;

/** Warns before the session ends, with time enough to prolong it (WCAG 2.2.1). */
export const SessionStrip = () => {
  const { expires, isLast = false } = person() ?? {};
  const [now, setNow] = useState(Date.now());
  useEffect(() => {
    if (expires === undefined) return undefined;
    const timer = setInterval(() => {
      setNow(Date.now());
      // Before it warns: what the user did meanwhile, here or in another tab, has prolonged the session.
      if (expires - Date.now() < WARN_MS + 2 * LOOK_MS) void refreshSession();
    }, LOOK_MS);
    return () => clearInterval(timer);
  }, [expires]);
  if (expires === undefined || expires - now > WARN_MS) return null;
  return (
    <Strip kind="warning" urgent {...(!isLast && { action: { says: S.login.stay, act: () => void refreshSession() } })}>
      {S.login[isLast ? "lastWarning" : "warning"](spanOf(Math.max(0, expires - now)))}
    </Strip>
  );
};
