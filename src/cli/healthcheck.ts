/** `ocsgw healthcheck`: asks the listener of probes, or else the admin listener, and answers with the exit code. */
import { glimpse } from "../settings/glimpse.ts";
import { adminOf, ask, reachable, type AdminAnswer } from "./admin.ts";

export type HealthOptions = { readonly config: string; readonly url?: string; readonly live?: boolean };

export const healthcheck = async ({ config, url, live }: HealthOptions): Promise<number> => {
  const path = live ? "/healthz" : "/readyz";
  const answer = url === undefined ? await byConfig(config, path) : await ask({ url, certificate: undefined }, { path });
  if (typeof answer === "number") return answer;
  if (!answer) return 5;
  const { status, reasons = [] } = answer.value as { readonly status: string; readonly reasons?: readonly string[] };
  console.log([status, ...reasons].join(": "));
  return answer.status === 200 ? 0 : 1;
};

/** A standby listens for probes only; and `allow_from` may leave this machine out there. */
const byConfig = async (config: string, path: string): Promise<AdminAnswer | number | undefined> => {
  const bind = (await glimpse(config))?.admin?.probes?.bind;
  // Of a free port nothing tells which it is.
  const probed = bind && bind.port !== 0 ? await ask({ url: `http://${reachable(bind)}`, certificate: undefined }, { path }) : undefined;
  if (probed) return probed;
  const found = await adminOf(config);
  return typeof found === "number" ? found : ask(found.target, { path });
};
