import { useEffect, useState } from "preact/hooks";
import { Strip } from "../parts/states.tsx";
import { seen } from "../status.ts";
import { S } from "../strings.ts";

/** Says since when what is on screen is old. */
export const StallStrip = () => {
  const { failingSince, at } = seen.value;
  const [, tick] = useState(0);
  useEffect(() => {
    if (failingSince === undefined) return undefined;
    const timer = setInterval(() => tick((count) => count + 1), 1000);
    return () => clearInterval(timer);
  }, [failingSince]);
  if (failingSince === undefined) return null;
  const seconds = Math.max(1, Math.round((performance.now() - (at ?? failingSince)) / 1000));
  return <Strip kind="warning">{S.header.stalled(seconds)}</Strip>;
};
