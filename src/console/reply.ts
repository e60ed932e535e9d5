/** Replies of the admin listener. */
import { stringify } from "../journal/entry-line.ts";
import { bytesOf, type HeaderLine, type Reply } from "../message.ts";

export const json = (status: number, value: unknown, headers: readonly HeaderLine[] = [], close = false): Reply =>
  ({ ...text(status, "application/json", `${stringify(value)}\n`, headers), ...(close && { close }) });

export const text = (status: number, type: string, body: string, headers: readonly HeaderLine[] = []): Reply =>
  ({ status, headers: [["Content-Type", type], ["Cache-Control", "no-store"], ...headers], body: bytesOf(body) });
