/** Persistent HTTPS is the normal case: whatever OCS's pace and the crowd, no answer is suspected, and no connection is opened but the lanes' first. */
import { afterEach, describe, expect, it } from "vitest";
import { createAuthority } from "../../src/sandbox/certificates.ts";
import { Switchboard, type UpstreamNews } from "../../src/upstream/switchboard.ts";
import { OK, rawOcs } from "../kit/raw-ocs.ts";
import { request } from "./lane-contract-play.ts";

const REQUESTS = 2000;
const authority = createAuthority("OCS's authority");
const tls = authority.issue({ names: ["127.0.0.1"], usage: "serverAuth" });

const stops: (() => unknown)[] = [];
afterEach(async () => {
  for (const stop of stops.splice(0).reverse()) await stop();
});

const rows = [0, 1, 5].flatMap((ms) => [1, 16, 64].map((atOnce) => ({ ms, atOnce })));

describe(`${REQUESTS} requests over HTTPS`, () => {
  it.each(rows)(
    "to an OCS that takes $ms ms, $atOnce at once, raise no alarm and need one connection a lane",
    async ({ ms, atOnce }) => {
      const ocs = await rawOcs(
        ({ connection }) => (ms === 0 ? OK : void setTimeout(() => connection.socket.write(OK), ms)),
        { tls },
      );
      const news: UpstreamNews[] = [];
      const board = new Switchboard({
        name: "ocs",
        primary: { origin: ocs.url, tls: { ca: authority.certPem }, connectTimeout: 20_000 },
        connections: atOnce,
        onePerTenant: true,
        answerTimeout: 20_000,
        queue: { max: 1000, maxBytes: 1e8, maxWait: 20_000 },
        userAgent: "ocs-gateway/test",
        tell: (each) => void news.push(each),
      });
      stops.push(ocs.close, () => board.close());
      let left = REQUESTS;
      const odd: unknown[] = [];
      const client = async (): Promise<void> => {
        while (left-- > 0) {
          const answer = await board.send(request(left));
          if (answer.status !== 200 || answer.suspected) odd.push(answer);
        }
      };
      await Promise.all(Array.from({ length: atOnce }, client));
      expect({
        odd,
        news,
        requests: ocs.requests(),
        connections: ocs.connections.filter(({ requests }) => requests > 0).length,
      }).toEqual({ odd: [], news: [], requests: REQUESTS, connections: atOnce });
    },
    60_000,
  );
});
