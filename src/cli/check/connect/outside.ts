/**
 * Witnesses and the time stamping authority: do they answer? Nothing is cosigned; the authority is asked for a
 * timestamp of a random hash.
 */
import { randomBytes } from "node:crypto";
import { reasonOf } from "../../../journal/errors.ts";
import { authoritiesIn, readTimestamp, timestampRequest } from "../../../journal/verify/bundle/timestamp.mjs";
import { addCheckpointOf } from "../../../journal/integrity/witness/add-checkpoint.ts";
import { postTo } from "../../../journal/integrity/witness/ask.ts";
import type { Settings } from "../../../settings/schema/schema.ts";
import type { Row } from "./row.ts";
import { readSmallFile } from "../../../common/small-file/small-file.ts";

const TIMEOUT_MS = 5000;
const MOST_BYTES = 256 << 10;

export const outsideRows = ({ audit: { checkpoint } }: Settings): Promise<Row[]> =>
  Promise.all([
    ...checkpoint.witnesses.map(witnessRow),
    ...(checkpoint.timestamp ? [timestampRow(checkpoint.timestamp)] : []),
  ]);

type Witness = Settings["audit"]["checkpoint"]["witnesses"][number];

/** A witness answers an empty request with 400. With 200, 404 or 405 something else is at this address. */
const witnessRow = async ({ url, key }: Witness): Promise<Row> => {
  const name = `witness ${key.split("+")[0]}`;
  const address = addCheckpointOf(url);
  try {
    const { status } = await postTo({
      url: address,
      body: "",
      contentType: "text/plain; charset=utf-8",
      timeoutMs: TIMEOUT_MS,
      mostBytes: MOST_BYTES,
      signal: new AbortController().signal,
    });
    return status === 400
      ? {
          name,
          state: "ok",
          says: [`${address} accepts checkpoints; the first one shows whether it knows this journal`],
        }
      : {
          name,
          state: "fail",
          says: [`${address} answers ${status} to an empty request, but a witness answers 400; check the url`],
        };
  } catch (error) {
    return { name, state: "fail", says: [`${address}: ${reasonOf(error)}`] };
  }
};

type Timestamp = NonNullable<Settings["audit"]["checkpoint"]["timestamp"]>;

const timestampRow = async ({ url, ca }: Timestamp): Promise<Row> => {
  const name = "timestamp";
  const imprint = randomBytes(32);
  const nonce = Buffer.concat([Buffer.of(0x41), randomBytes(7)]);
  try {
    const authorities = authoritiesIn(await readSmallFile(ca));
    const { status, body } = await postTo({
      url,
      body: timestampRequest(imprint, nonce),
      contentType: "application/timestamp-query",
      timeoutMs: TIMEOUT_MS,
      mostBytes: MOST_BYTES,
      signal: new AbortController().signal,
    });
    if (status !== 200)
      return {
        name,
        state: "fail",
        says: [`${url} answers ${status} to a request for a timestamp; check audit.checkpoint.timestamp.url`],
      };
    const { signer, time } = readTimestamp(body, { imprint, nonce, authorities });
    return {
      name,
      state: "ok",
      says: [`${url}: ${signer} says ${new Date(time).toISOString()}, and its chain leads to ${ca}`],
    };
  } catch (error) {
    return { name, state: "fail", says: [`${url}: ${reasonOf(error)}`] };
  }
};
