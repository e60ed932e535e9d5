/** Replies of the admin listener. */
import { stringify } from "../journal/entry-line.ts";
import { bytesOf, type Fault, type HeaderLine, type Reply } from "../common/message.ts";

/** `close`: the listener closes the connection after the reply. */
export const json = (status: number, value: unknown, headers: readonly HeaderLine[] = [], close = false): Reply => ({
  ...text(status, "application/json", `${stringify(value)}\n`, headers),
  ...(close && { close }),
});

/** The reply to an invalid request. */
export const faulty = ({ kind, detail }: Fault): Reply =>
  kind === "foreign-authority"
    ? json(421, { error: `${detail}; admin.names lists the names that it answers to besides its own` })
    : json(400, { error: detail }, [], true);

export const text = (status: number, type: string, body: string, headers: readonly HeaderLine[] = []): Reply => ({
  status,
  headers: [["Content-Type", type], ["Cache-Control", "no-store"], ["X-Content-Type-Options", "nosniff"], ...headers],
  body: bytesOf(body),
});
