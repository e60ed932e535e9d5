/** Witnesses for tests: a true one, and one that answers whatever it is told to. */
import { generateKeyPairSync, type KeyObject } from "node:crypto";
import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { witnessKey } from "../../src/journal/integrity/checkpoints/signed-note.ts";
import { CosignedCheckpoints } from "../../src/witness/cosigned-checkpoints.ts";
import { startWitnessServer } from "../../src/witness/server.ts";
import { Witness, type WitnessEvent } from "../../src/witness/witness.ts";

export type TrueWitness = {
  readonly url: string;
  readonly key: string;
  readonly news: readonly WitnessEvent[];
  readonly stop: () => Promise<void>;
};

/** `logs`: verifier keys by origin. The same key, name and directory give the same witness again. */
export const aWitness = async (
  dir: string,
  logs: ReadonlyMap<string, readonly string[]>,
  over: { readonly name?: string; readonly key?: KeyObject; readonly port?: number } = {},
): Promise<TrueWitness> => {
  const own = { name: over.name ?? "witness.test/w1", key: over.key ?? generateKeyPairSync("ed25519").privateKey };
  const news: WitnessEvent[] = [];
  const records = await CosignedCheckpoints.open(dir, own);
  const server = await startWitnessServer(
    new Witness({ own, records, logs: () => Promise.resolve(logs), onEvent: (each) => void news.push(each) }),
    { host: "127.0.0.1", port: over.port ?? 0 },
  );
  return { url: server.address, key: witnessKey(own.name, own.key), news, stop: server.stop };
};

export type Asked = { readonly url: string; readonly type: string | undefined; readonly body: string };
export type Scripted = { readonly url: string; readonly asked: readonly Asked[]; readonly stop: () => Promise<void> };

/** Answers each POST by the script, which is given its body. */
export const aScripted = async (script: (body: Buffer, response: ServerResponse) => void): Promise<Scripted> => {
  const asked: Asked[] = [];
  const server = createServer((request: IncomingMessage, response) => {
    const chunks: Buffer[] = [];
    request
      .on("data", (chunk: Buffer) => chunks.push(chunk))
      .on("end", () => {
        const body = Buffer.concat(chunks);
        asked.push({ url: request.url!, type: request.headers["content-type"], body: body.toString() });
        script(body, response);
      });
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    asked,
    stop: async () => {
      server.closeAllConnections();
      await once(server.close(), "close");
    },
  };
};

/** Looks until it holds. */
export const until = async (holds: () => boolean | Promise<boolean>, ms = 8000): Promise<void> => {
  for (const end = performance.now() + ms; !(await holds());) {
    if (performance.now() > end) throw new Error(`it did not come about within ${ms} ms: ${holds.toString()}`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
};
