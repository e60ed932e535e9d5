/** The options of a client, checked. */
import { Buffer } from "node:buffer";
import { X509Certificate } from "node:crypto";
import { isIP } from "node:net";
import { createSecureContext } from "node:tls";
import type { TlsOptions } from "./connection.ts";

export type ClientOptions = {
  /** The gateway: scheme, host and port. `GSW_RECORD_URI` names OCS, which this must not be. */
  readonly baseUrl: string | URL;
  /** The client's API key. With `client` it is sent as Basic, otherwise in X-Api-Key. */
  readonly key?: string | undefined;
  /** The client's name in the gateway's config. */
  readonly client?: string | undefined;
  /** An access token, or a function that is called before each request. */
  readonly token?: string | (() => string | Promise<string>) | undefined;
  /** For a client of several tenants: a name in ASCII or a DBID. A call may name another one. */
  readonly tenant?: string | number | undefined;
  readonly tls?: TlsOptions | undefined;
  /** Milliseconds for a call, with its turn; longer than the gateway's own times. Default: 30,000. */
  readonly timeout?: number | undefined;
  /** Milliseconds to connect, TLS included. Default: 5,000. */
  readonly connectTimeout?: number | undefined;
  /** Milliseconds after which an unused connection is not used again. Default: 60,000. */
  readonly keepAlive?: number | undefined;
};

export type CallOptions = {
  /** Aborts the call. The result says whether the request may have left. */
  readonly signal?: AbortSignal | undefined;
  readonly timeout?: number | undefined;
  readonly tenant?: string | number | undefined;
  /**
   * Of addRecord: 1 to 255 printable ASCII characters, a new one for each record to add. The gateway carries out a
   * request with a key at most once in 24 hours, so a call with the same key and body may be repeated after any
   * failure.
   */
  readonly idempotencyKey?: string | undefined;
  /**
   * Of doNotCall: the gateway may accept the call (`Accepted`) and send it by itself until OCS answers 200. A gateway
   * that does not offer it sends the call as usual.
   */
  readonly respondAsync?: boolean | undefined;
};

export type Header = readonly [name: string, value: string];

const VISIBLE = /^[\u0021-\u007e]+$/;
/** Also with blanks between. */
const PRINTABLE = /^[\u0021-\u007e](?:[\u0020-\u007e]*[\u0021-\u007e])?$/;
const LONGEST_MS = 2_147_483_647;

export const readBaseUrl = (baseUrl: string | URL): URL => {
  const url = parsed(String(baseUrl));
  if (!url || !/^https?:$/.test(url.protocol))
    throw new TypeError("baseUrl: expected a URL such as https://ocs-gw.example.internal:8443");
  if (url.username !== "" || url.password !== "") throw new TypeError("baseUrl: no credential belongs into a URL");
  if (url.pathname !== "/" || url.search !== "" || url.hash !== "")
    throw new TypeError("baseUrl: expected only scheme, host and port: OCS's paths are at the root");
  return url;
};

/** `URL.parse` is younger than Node 20. */
const parsed = (text: string): URL | undefined => {
  try {
    return new URL(text);
  } catch {
    return undefined;
  }
};

export const readMilliseconds = (name: string, value: number | undefined, otherwise: number): number => {
  if (value === undefined) return otherwise;
  if (typeof value !== "number" || !(value > 0 && value <= LONGEST_MS))
    throw new TypeError(`${name}: expected milliseconds above 0`);
  return value;
};

export const tenantHeader = (tenant: string | number | undefined): Header[] => {
  if (tenant === undefined) return [];
  if (!PRINTABLE.test(`${tenant}`)) throw new TypeError("tenant: a name in ASCII or a DBID; send the DBID instead");
  return [["Ocsgw-Tenant", `${tenant}`]];
};

/** The header of a request of this action (`req`). */
export const keyHeader = (req: string | undefined, key: string | undefined): Header[] => {
  if (key === undefined) return [];
  if (req !== "AddRecord") throw new TypeError("idempotencyKey: only addRecord takes one");
  if (!/^[\u0020-\u007e]{1,255}$/.test(key))
    throw new TypeError("idempotencyKey: expected 1 to 255 printable ASCII characters");
  return [["Idempotency-Key", `"${key.replace(/["\\]/g, "\\$&")}"`]];
};

export const preferHeader = (req: string | undefined, respondAsync: boolean | undefined): Header[] => {
  if (respondAsync !== true) return [];
  if (req !== "DoNotCall") throw new TypeError("respondAsync: only doNotCall takes it");
  return [["Prefer", "respond-async"]];
};

/** Throws TypeError for what is no PEM, or a certificate without its key. */
export const readTls = (tls: TlsOptions = {}): TlsOptions => {
  const { ca, cert, key, passphrase, serverName } = tls;
  // Runtimes check an address against the host of the connection, whatever is asked for.
  if (serverName !== undefined && (typeof serverName !== "string" || serverName === "" || isIP(serverName) !== 0))
    throw new TypeError("tls.serverName: expected a name of DNS");
  const authorities = typeof ca === "object" ? [...ca] : ca === undefined ? [] : [ca];
  const texts: readonly unknown[] = [...authorities, cert, key].filter((each) => each !== undefined);
  if (!texts.every((text) => typeof text === "string" && text.includes("-----BEGIN ")))
    throw new TypeError("tls: ca, cert and key are texts in PEM");
  if ((cert === undefined) !== (key === undefined)) throw new TypeError("tls: cert and key belong together");
  try {
    // Damaged text would be a CA that signed nothing.
    for (const each of authorities) new X509Certificate(each);
    createSecureContext({
      ...(cert !== undefined && { cert, key: key! }),
      ...(passphrase !== undefined && { passphrase }),
    });
  } catch (error) {
    throw new TypeError(`tls: ca, cert or key cannot be used: ${(error as Error).message}`);
  }
  return tls;
};

/** The credential's header, asked for once for each request. Messages never contain a credential. */
export const credentialOf = ({ key, client, token }: ClientOptions): (() => Header[] | Promise<Header[]>) => {
  if (key !== undefined && token !== undefined) throw new TypeError("give a key or a token, not both");
  if (client !== undefined && key === undefined) throw new TypeError("client: needs a key");
  if (typeof token === "function") return async () => [bearer(await token())];
  if (token !== undefined) {
    const header = bearer(token);
    return () => [header];
  }
  if (key === undefined) return () => [];
  if (typeof key !== "string" || !VISIBLE.test(key)) throw new TypeError("key: expected visible ASCII characters");
  if (client === undefined) return () => [["X-Api-Key", key]];
  if (client === "" || client.includes(":")) throw new TypeError("client: a name has no colon");
  const header: Header = ["Authorization", `Basic ${Buffer.from(`${client}:${key}`, "utf8").toString("base64")}`];
  return () => [header];
};

const bearer = (token: unknown): Header => {
  if (typeof token !== "string" || !VISIBLE.test(token))
    throw new TypeError("token: expected visible ASCII characters");
  return ["Authorization", `Bearer ${token}`];
};
