import { readFileSync } from "node:fs";

const UNIT = readFileSync(new URL("../../deploy/ocsgw.service", import.meta.url), "utf8");

/**
 * The variables by which deploy/ocsgw.service tunes the process, so that a measurement runs the gateway as deployed.
 */
export const SERVICE_ENVIRONMENT: Readonly<Record<string, string>> = Object.fromEntries(
  [...UNIT.matchAll(/^Environment=(NODE_OPTIONS|MALLOC_\w+)=(.*)$/gm)].map(([, name, value]) => [name!, value!]),
);
