/** `ocsgw healthcheck`: asks the admin listener, answers with the exit code. */
import { adminOf, ask } from "./admin.ts";

export type HealthOptions = { readonly config: string; readonly url?: string; readonly live?: boolean };

export const healthcheck = async ({ config, url, live }: HealthOptions): Promise<number> => {
  const found = url === undefined ? await adminOf(config) : { target: { url, certificate: undefined } };
  if (typeof found === "number") return found;
  const answer = await ask(found.target, { path: live ? "/healthz" : "/readyz" });
  if (!answer) return 5;
  const { status, reasons = [] } = answer.value as { readonly status: string; readonly reasons?: readonly string[] };
  console.log([status, ...reasons].join(": "));
  return answer.status === 200 ? 0 : 1;
};
