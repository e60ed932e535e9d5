/** `ocsgw status`: what a running gateway is doing, from its admin listener; 0 ready, 1 not ready, 5 no answer. */
import { readFile } from "node:fs/promises";
import { tokenFile } from "../console/token.ts";
import type { Status } from "../console/status.ts";
import { adminOf, ask, type AdminTarget } from "./admin.ts";
import { renderStatus } from "./status-screen.ts";

export type StatusOptions = { readonly config: string; readonly url?: string; readonly token?: string; readonly json?: boolean };

const READY = 0;
const NOT_READY = 1;
const WRONG_USAGE = 2;
const UNREACHABLE = 5;

export const status = async ({ config, url, token, json }: StatusOptions): Promise<number> => {
  const found = url === undefined ? await fromConfig(config) : { target: { url, certificate: undefined }, kept: undefined };
  if (typeof found === "number") return found;
  const bearer = token ?? found.kept?.token;
  if (url !== undefined && bearer === undefined) {
    console.error("--url wants the token too: --token, or OCSGW_ADMIN_TOKEN in the environment");
    return WRONG_USAGE;
  }
  const answer = await ask(found.target, "/api/status", bearer === undefined ? {} : { Authorization: `Bearer ${bearer}` });
  if (!answer) return UNREACHABLE;
  if (answer.status !== 200) {
    console.error(answer.status === 401 ? `the gateway does not take this token${found.kept ? `; it is expected in ${found.kept.file}` : ""}` : `${found.target.url} answers ${answer.status}: is that the admin listener?`);
    return NOT_READY;
  }
  const told = answer.value as Status;
  console.log(json ? JSON.stringify(told, undefined, 2) : renderStatus(told));
  return told.ready ? READY : NOT_READY;
};

type Kept = { readonly file: string; readonly token: string | undefined };

/** On the gateway's own machine, as its own user: the token lies where `run` left it. */
const fromConfig = async (config: string): Promise<{ readonly target: AdminTarget; readonly kept: Kept } | number> => {
  const found = await adminOf(config);
  if (typeof found === "number") return found;
  const file = tokenFile(found.settings.audit.dir);
  return { target: found.target, kept: { file, token: await readFile(file, "utf8").then((text) => text.trim(), () => undefined) } };
};
