/** An address to listen on. Without zod, so that health probes start quickly. */
import { isIP } from "node:net";

/** `host` without brackets. Port 0: a free port. */
export type Bind = { readonly host: string; readonly port: number };

export const BIND = /^(\[[0-9A-Fa-f:.]+\]|[0-9.]+|localhost):(\d{1,5})$/;

/** Parses `127.0.0.1:8443`, `[::]:8443` or `localhost:8443`; undefined for anything else. */
export const parseBind = (text: string): Bind | undefined => {
  const [, shown, digits] = BIND.exec(text) ?? [];
  if (shown === undefined) return undefined;
  const [host, port] = [shown.replace(/^\[|\]$/g, ""), Number(digits)];
  if (port > 65_535) return undefined;
  return host === "localhost" || isIP(host) === (shown.startsWith("[") ? 6 : 4) ? { host, port } : undefined;
};

/** host:port by which this machine reaches the listener. */
export const reachable = ({ host, port }: Bind): string => {
  const own = host === "0.0.0.0" ? "127.0.0.1" : host === "::" ? "::1" : host;
  return `${own.includes(":") ? `[${own}]` : own}:${port}`;
};
