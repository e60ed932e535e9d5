/** What the commands that ask a running gateway share: where its admin listener is, and one GET. */
import { readFile } from "node:fs/promises";
import { Agent, request } from "undici";
import { loadSettings } from "../settings/load.ts";
import type { Settings } from "../settings/schema.ts";
import { check } from "./check.ts";

/** `certificate`: PEM of the listener's own. */
export type AdminTarget = { readonly url: string; readonly certificate: string | undefined };

const TIMEOUT_MS = 3000;

/** The config's settings and its admin listener; or, when it has none or is not valid, the exit code, told why. */
export const adminOf = async (config: string): Promise<{ readonly target: AdminTarget; readonly settings: Settings } | number> => {
  const loaded = await loadSettings(config);
  if (!loaded.ok) return check({ config });
  const { settings } = loaded;
  if (settings.admin) return { target: await targetOf(settings.admin), settings };
  console.error(`${config} has no admin listener`);
  return 3;
};

const targetOf = async ({ bind: { host, port }, tls }: NonNullable<Settings["admin"]>): Promise<AdminTarget> => {
  const reachable = host === "0.0.0.0" ? "127.0.0.1" : host === "::" ? "::1" : host;
  return {
    url: `${tls === "none" ? "http" : "https"}://${reachable.includes(":") ? `[${reachable}]` : reachable}:${port}`,
    certificate: tls === "none" ? undefined : await readFile(tls.cert, "utf8"),
  };
};

/** Resolves to the answer's JSON. Says on stderr why there is none, and resolves to undefined. */
export const ask = async ({ url, certificate }: AdminTarget, path: string, headers: Readonly<Record<string, string>> = {}): Promise<{ readonly status: number; readonly value: unknown } | undefined> => {
  // The listener's own certificate is the one that is trusted, whatever name it has.
  const pinned = certificate === undefined ? {} : { ca: certificate, allowPartialTrustChain: true, checkServerIdentity: () => undefined };
  const dispatcher = new Agent({ connect: { ...pinned, timeout: TIMEOUT_MS } });
  try {
    const { statusCode, body } = await request(new URL(path, url), { headers, headersTimeout: TIMEOUT_MS, bodyTimeout: TIMEOUT_MS, dispatcher });
    return { status: statusCode, value: await body.json() };
  } catch (error) {
    console.error(`no answer from ${url}: ${(error as NodeJS.ErrnoException).code ?? (error as Error).name}`);
    return undefined;
  } finally {
    await dispatcher.destroy();
  }
};
