/** Replies of the admin listener. */
import { stringify } from "../journal/entry-line.ts";
import { bytesOf, type Fault, type HeaderLine, type Reply } from "../message.ts";

export const json = (status: number, value: unknown, headers: readonly HeaderLine[] = [], close = false): Reply => ({
  ...text(status, "application/json", `${stringify(value)}\n`, headers),
  ...(close && { close }),
});

/** To a message that is no request for us. */
export const faulty = ({ kind, detail }: Fault): Reply =>
  kind === "foreign-authority"
    ? json(421, { error: `${detail}; admin.names lists the names that it answers to besides its own` })
    : json(400, { error: detail }, [], true);

export const text = (status: number, type: string, body: string, headers: readonly HeaderLine[] = []): Reply => ({
  status,
  headers: [["Content-Type", type], ["Cache-Control", "no-store"], ...headers],
  body: bytesOf(body),
});
