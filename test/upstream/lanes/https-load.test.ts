/**
 * Persistent HTTPS is the normal case: whatever OCS's pace and the crowd, no answer is suspected, and no connection is
 * opened but the lanes' first.
 */
import { afterEach, describe, expect, it } from "vitest";
import { createAuthority } from "../../../src/sandbox/server/certificates.ts";
import { Switchboard, type UpstreamEvent } from "../../../src/upstream/switchboard.ts";
import { OK, rawOcs } from "../../kit/raw-ocs.ts";
import { request } from "./contract-play.ts";

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
    "to an OCS that needs $ms ms, $atOnce at once, raise no alarm and need one connection per lane",
    async ({ ms, atOnce }) => {
      const ocs = await rawOcs(
        ({ connection }) => (ms === 0 ? OK : void setTimeout(() => connection.socket.write(OK), ms)),
        { tls },
      );
      const news: UpstreamEvent[] = [];
      const switchboard = new Switchboard({
        name: "ocs",
        primary: { origin: ocs.url, tls: { ca: authority.certPem }, connectTimeout: 20_000 },
        connections: atOnce,
        onePerTenant: true,
        answerTimeout: 20_000,
        queue: { max: 1000, maxBytes: 1e8, maxWait: 20_000 },
        userAgent: "ocs-gateway/test",
        onEvent: (each) => void news.push(each),
      });
      stops.push(ocs.close, () => switchboard.close());
      let left = REQUESTS;
      const odd: unknown[] = [];
      const client = async (): Promise<void> => {
        while (left-- > 0) {
          const answer = await switchboard.send(request(left));
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
