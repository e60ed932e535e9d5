/** Every text of the console, in one catalogue: one file for each page, English first. */
import { access } from "./strings/evidence/access.ts";
import { config } from "./strings/config.ts";
import { dnc } from "./strings/evidence/dnc.ts";
import { exports } from "./strings/evidence/exports.ts";
import { flow } from "./strings/flow.ts";
import { flows } from "./strings/flows.ts";
import { frame } from "./strings/frame.ts";
import { chart } from "./strings/chart.ts";
import { integrity } from "./strings/evidence/integrity.ts";
import { isolation } from "./strings/isolation.ts";
import { keys } from "./strings/keys.ts";
import { lookUp } from "./strings/evidence/look-up.ts";
import { manual } from "./strings/manual.ts";
import { now } from "./strings/now.ts";
import { sandbox } from "./strings/sandbox.ts";
import { tenants } from "./strings/tenants.ts";
import { upstreams } from "./strings/upstreams.ts";

export const S = {
  ...frame,
  keys,
  flows,
  flow,
  chart,
  now,
  tenants,
  upstreams,
  dnc,
  lookUp,
  integrity,
  isolation,
  exports,
  access,
  config,
  manual,
  sandbox,
} as const;
