import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it, vi } from "vitest";
import { describeIf, describeWith } from "../kit/machine.ts";
import { rawOcs, type RawOcs } from "../kit/raw-ocs.ts";
import { freePort, startProgram, type ServerProgram } from "../kit/server-program.ts";
import { corpus } from "../ocs/corpus.ts";
import { attack, type Address } from "./attack.ts";
import { gunicorn, httpGarden, llhttp } from "./corpora.ts";
import { dressed } from "./payload-variants.ts";
import { aField, type Field } from "./test-gateway.ts";
import { gadgets, isTabbed } from "./gadgets.ts";
import { FIRST_HANDLE, type Payload } from "./payload.ts";

// On a busy machine they take their time.
vi.setConfig({ testTimeout: 180_000, hookTimeout: 120_000 });

const PARALLEL = 32;
/**
 * Both give up a request whose client closes its side before it is passed on: what one seems to refuse is asked once
 * more, and longer, before it counts.
 */
const PATIENCE = 500;
const LAST_PATIENCE = 5000;
const nginxConf = (port: number, backend: number): string => `
daemon off; pid nginx.pid; error_log stderr crit;
events { worker_connections 1024; }
http {
  access_log off; client_body_temp_path body; proxy_temp_path proxy;
  fastcgi_temp_path fastcgi; uwsgi_temp_path uwsgi; scgi_temp_path scgi;
  proxy_http_version 1.1; proxy_set_header Connection "";
  server { listen 127.0.0.1:${port}; location / { proxy_pass http://127.0.0.1:${backend}; } }
}`;
const haproxyCfg = (port: number, backend: number): string => `
defaults
  mode http
  timeout connect 2s
  timeout client 5s
  timeout server 5s
  http-reuse never
listen clients
  bind 127.0.0.1:${port}
  server ocs 127.0.0.1:${backend}
`;

type Other = {
  readonly name: string;
  readonly port: number;
  readonly backend: RawOcs;
  readonly program: ServerProgram;
};

const startOther = async (
  name: string,
  dir: string,
  config: (port: number, backend: number) => string,
  command: (file: string) => readonly [string, string[]],
): Promise<Other> => {
  const [port, backend] = [await freePort(), await rawOcs()];
  const file = join(dir, `${name}.conf`);
  await writeFile(file, config(port, backend.port));
  return { name, port, backend, program: await startProgram(...command(file), port) };
};

/** Requests that are ours but for one oddity, so that whoever refuses them refuses the oddity. */
const payloads = (): Payload[] => [
  // nginx takes no tab for a blank, which RFC 9110 (5.5) says it is.
  ...gadgets()
    .filter((payload) => / one /.test(payload.id) && !linesOf(payload).some(isTabbed))
    .map((payload) => dressed(payload, "credential")!),
  // Without Host the others refuse what is good once it has ours.
  ...[...httpGarden(), ...llhttp(), ...gunicorn()]
    .filter(({ pieces }) => /^Host:/im.test(Buffer.concat(pieces(0)).toString("latin1")))
    .flatMap((payload) => dressed(payload, "graft") ?? []),
];

const linesOf = ({ pieces }: Payload): string[] => Buffer.concat(pieces(0)).toString("latin1").split("\r\n");

/** Sends what stands at these places of the list, each under a handle that names its place. */
const putThrough = async (
  list: readonly Payload[],
  places: Iterable<number>,
  address: Address,
  patience?: number,
): Promise<void> => {
  const queue = Iterator.from(places);
  await Promise.all(
    Array.from({ length: PARALLEL }, async () => {
      for (const at of queue)
        await attack(address, list[at]!.pieces(FIRST_HANDLE + at), patience).catch(() => undefined);
    }),
  );
};

const targetsOf = ({ backend }: Other): string[] =>
  [...backend.bytes().matchAll(/[A-Z]+ (\/records\/\d+\?\S*) HTTP/g)].map(([, target]) => target!);

/** The places in the list of what reached a backend, by the handle in its target. */
const reachedOf = (targets: readonly string[]): Set<number> =>
  new Set(targets.map((target) => Number(/\/records\/(\d+)\?/.exec(target)?.[1]) - FIRST_HANDLE));

describeIf(
  !corpus("baselines").absent,
  "../shared/corpora",
  "what HAProxy or nginx refuse of a request that is ours but for one oddity",
  () => {
    describeWith(["haproxy", "nginx"], "asked live", (haproxy, nginx) => {
      let field: Field;
      let dir: string;
      let others: readonly Other[] = [];
      beforeAll(async () => {
        dir = await mkdtemp(join(tmpdir(), "ocsgw-differential-"));
        field = await aField();
        others = [
          await startOther("haproxy", dir, haproxyCfg, (file) => [haproxy!, ["-db", "-f", file]]),
          await startOther("nginx", dir, nginxConf, (file) => [nginx!, ["-p", dir, "-c", file]]),
        ];
      });
      afterAll(async () => {
        for (const { program, backend } of others) {
          await program.stop();
          await backend.close();
        }
        await field.close();
        await rm(dir, { recursive: true, force: true });
      });

      it("is refused here, without exception", async () => {
        const list = payloads();
        expect(list.length).toBeGreaterThan(1900);
        for (const other of others) await putThrough(list, list.keys(), other, PATIENCE);
        await putThrough(list, list.keys(), { port: field.ports.plain });
        const ours = reachedOf(field.wire.requests.map(({ target }) => target));
        expect(ours.size).toBeGreaterThan(5);
        for (const other of others) {
          const missing = (): number[] => [...ours.difference(reachedOf(targetsOf(other)))];
          // It lets some through, or nothing was compared.
          expect(missing().length).toBeLessThan(ours.size);
          await putThrough(list, missing(), other, LAST_PATIENCE);
          expect(missing().map((at) => `${list[at]!.family} ${list[at]!.id}: ${other.name} refuses`)).toEqual([]);
        }
      });
    });
  },
);
