/** `ocsgw healthcheck`: asks the admin listener, answers with the exit code. */
import { readFile } from "node:fs/promises";
import { Agent, request } from "undici";
import { loadSettings } from "../settings/load.ts";
import { check } from "./check.ts";

export type HealthOptions = { readonly config: string; readonly url?: string; readonly live?: boolean };
/** PEM of the listener's own certificate. */
type Target = { readonly url: string; readonly certificate: string | undefined };

const TIMEOUT_MS = 3000;

export const healthcheck = async ({ config, url, live }: HealthOptions): Promise<number> => {
  const target = url === undefined ? await adminOf(config) : { url, certificate: undefined };
  return typeof target === "number" ? target : probe(target, live ? "/healthz" : "/readyz");
};

const probe = async ({ url, certificate }: Target, path: string): Promise<number> => {
  // The listener's own certificate is the one that is trusted, whatever name it has.
  const pinned = certificate === undefined ? {} : { ca: certificate, allowPartialTrustChain: true, checkServerIdentity: () => undefined };
  const dispatcher = new Agent({ connect: { ...pinned, timeout: TIMEOUT_MS } });
  try {
    const { statusCode, body } = await request(new URL(path, url), { headersTimeout: TIMEOUT_MS, bodyTimeout: TIMEOUT_MS, dispatcher });
    const answer = (await body.json()) as { status: string; reasons?: readonly string[] };
    console.log([answer.status, ...(answer.reasons ?? [])].join(": "));
    return statusCode === 200 ? 0 : 1;
  } catch (error) {
    console.error(`no answer from ${url}: ${(error as NodeJS.ErrnoException).code ?? (error as Error).name}`);
    return 5;
  } finally {
    await dispatcher.destroy();
  }
};

const adminOf = async (config: string): Promise<Target | number> => {
  const loaded = await loadSettings(config);
  if (!loaded.ok) return check({ config });
  const { admin } = loaded.settings;
  if (!admin) {
    console.error(`${config} has no admin listener`);
    return 3;
  }
  const { host, port } = admin.bind;
  const reachable = host === "0.0.0.0" ? "127.0.0.1" : host === "::" ? "::1" : host;
  return {
    url: `${admin.tls === "none" ? "http" : "https"}://${reachable.includes(":") ? `[${reachable}]` : reachable}:${port}`,
    certificate: admin.tls === "none" ? undefined : await readFile(admin.tls.cert, "utf8"),
  };
};
