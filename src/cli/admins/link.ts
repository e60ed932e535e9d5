/** `ocsgw admins link`: an address that opens the console of the running gateway once, without a password. */
import { consoleAddress } from "../../admin/sessions/one-time-links.ts";
import { accountName } from "../../journal/access.ts";
import { partialLoad } from "../../settings/partial-load.ts";
import { adminOf, askAs, type AdminOptions } from "../admin-client.ts";
import { userInWords, whoAsks } from "../audit/access/who-asks.ts";
import { DONE } from "../exit-codes.ts";

export type LinkOptions = AdminOptions & { readonly json?: boolean };

const LONGEST_USER = 100;

/** Resolves to the exit code: 0 done, 5 no answer. */
export const adminsLink = async ({ json = false, ...options }: LinkOptions): Promise<number> => {
  const base = options.url ?? (await browserUrl(options.config));
  if (typeof base === "number") return base;
  const user = accountName(userInWords(await whoAsks())).slice(0, LONGEST_USER);
  const answer = await askAs(options, { path: "/api/session/links", method: "POST", body: { user } });
  if (typeof answer === "number") return answer;
  const { token, valid } = answer.value as { readonly token: string; readonly valid: number };
  const url = consoleAddress(base, token);
  console.log(json ? JSON.stringify({ url, valid }, undefined, 2) : url);
  console.error(
    `This address opens the console once, within ${Math.round(valid / 60_000)} minutes, with every role. The journal ` +
      `records its use under ${user} (link).`,
  );
  return DONE;
};

/** The address for a browser: over TLS the name that the certificate has, as far as admin.names has it. */
const browserUrl = async (config: string): Promise<string | number> => {
  const found = await adminOf(config);
  if (typeof found === "number") return found;
  const { admin } = (await partialLoad(config)) ?? {};
  const name = admin?.names.find((each) => !each.includes("*"));
  if (admin?.tls === "none" || name === undefined) return found.target.url;
  const hasPort = /:\d+$/.test(name);
  return `https://${hasPort ? name : `${name}:${new URL(found.target.url).port || "443"}`}`;
};
