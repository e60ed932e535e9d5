/** `POST /api/revocations`: takes a token, a key, a certificate or a client out of force, or lifts that again. */
import type { Arrival, Reply } from "../message.ts";
import { json } from "./reply.ts";

/** Resolves to what was decided once it is in force, or to a text that says why it is no decision. */
export type Decide = (said: unknown) => Promise<object | string>;

export const revocationReply = async (decide: Decide, arrival: Arrival): Promise<Reply> => {
  const said = valueOf(await arrival.body());
  const decided = said === undefined ? "expected JSON" : await decide(said);
  return typeof decided === "string" ? json(422, { error: decided }) : json(200, decided);
};

const valueOf = (body: Uint8Array): unknown => {
  try {
    return JSON.parse(Buffer.from(body).toString("utf8"));
  } catch {
    return undefined;
  }
};
