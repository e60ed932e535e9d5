import { describe, expect, it } from "vitest";
import {
  assignSockets,
  listeningIn,
  passedSockets,
  type PassedSocket,
} from "../../../src/app/wiring/systemd-sockets.ts";
import { parseBind } from "../../../src/settings/bind.ts";
import type { Settings } from "../../../src/settings/schema/schema.ts";

type Listening = Parameters<typeof assignSockets>[1];

/** By name: clients' listeners, `callbacks`, `admin` and `probes`. */
const listening = (binds: Readonly<Record<string, string>>): Listening => {
  const bound = Object.entries(binds).map(([name, bind]) => [name, { bind: parseBind(bind)! }] as const);
  const { callbacks = null, admin, probes = null, ...listeners } = Object.fromEntries(bound);
  return {
    listeners: Object.entries(listeners).map(([name, { bind }]) => ({ name, bind })),
    upstreams: { ocs: { callbacks } },
    admin: admin ? { ...admin, probes } : null,
  } as unknown as Settings;
};

const socket = (name: string, at: string, fd = 3): PassedSocket => ({ fd, name, ...parseBind(at)! });

describe("a passed socket", () => {
  it.each<[string, Readonly<Record<string, string>>, PassedSocket, string]>([
    [
      "by its name",
      { clients: "10.0.0.1:8443", admin: "127.0.0.1:9640" },
      socket("clients", "10.0.0.1:8443"),
      "clients",
    ],
    [
      "by its name at any port if the listener uses a free port",
      { clients: "127.0.0.1:0" },
      socket("clients", "127.0.0.1:8443"),
      "clients",
    ],
    [
      "by its address under the name of the socket unit",
      { clients: "10.0.0.1:8443", admin: "127.0.0.1:9640" },
      socket("ocsgw.socket", "127.0.0.1:9640"),
      "admin",
    ],
    [
      "by its IPv6 address, however it is written",
      { clients: "[0:0:0:0::1]:8443" },
      socket("ocsgw.socket", "[::1]:8443"),
      "clients",
    ],
    ["on localhost, over IPv4", { clients: "localhost:8443" }, socket("ocsgw.socket", "127.0.0.1:8443"), "clients"],
    ["on localhost, over IPv6", { clients: "localhost:8443" }, socket("clients", "[::1]:8443"), "clients"],
    [
      "for callbacks, whose name has no colon in a socket unit",
      { clients: "10.0.0.1:8443", callbacks: "10.0.0.1:0" },
      socket("callbacks-ocs", "10.0.0.1:8444"),
      "callbacks:ocs",
    ],
    [
      "for the probes",
      { clients: "10.0.0.1:8443", admin: "127.0.0.1:9640", probes: "0.0.0.0:9641" },
      socket("ocsgw.socket", "0.0.0.0:9641"),
      "probes",
    ],
    [
      "for the admin listener, if a clients' listener is named admin too",
      { "admin ": "10.0.0.1:8443", admin: "127.0.0.1:9640" },
      socket("admin", "127.0.0.1:9640"),
      "admin",
    ],
  ])("belongs to a listener: %s", (_title, binds, passed, name) => {
    const settings = listening(binds);
    const named = { ...settings, listeners: settings.listeners.map((each) => ({ ...each, name: each.name.trim() })) };
    const sockets = assignSockets([passed], named);
    const bind = parseBind(Object.entries(binds).find(([key]) => key === name.split(":")[0])![1])!;
    expect(sockets.take(name, bind)).toBe(3);
    // A second call gets none, because closing the listener closes the descriptor.
    expect(sockets.take(name, bind)).toBeUndefined();
  });

  it.each<[string, Readonly<Record<string, string>>, readonly PassedSocket[], RegExp]>([
    [
      "at another port than the listener with its name",
      { clients: "127.0.0.1:8443" },
      [socket("clients", "127.0.0.1:8444")],
      /^error\[OCSGW-6336\]: .* at 127\.0\.0\.1:8444, but the listener clients is bound to 127\.0\.0\.1:8443: /,
    ],
    [
      "on every address, while the listener with its name is on loopback",
      { clients: "127.0.0.1:0" },
      [socket("clients", "0.0.0.0:8443")],
      /6336.* at 0\.0\.0\.0:8443, but the listener clients is bound to 127\.0\.0\.1:0/,
    ],
    [
      "on IPv6 and IPv4, while the listener is on IPv4",
      { clients: "0.0.0.0:8443" },
      [socket("clients", "[::]:8443")],
      /6336.* at \[::\]:8443, .* bound to 0\.0\.0\.0:8443: .*ListenStream=8443 means \[::\]:8443\)$/,
    ],
    [
      "with the name of one listener and the address of another",
      { clients: "127.0.0.1:8443", second: "127.0.0.1:8444" },
      [socket("clients", "127.0.0.1:8444")],
      /6336.*the listener clients is bound to 127\.0\.0\.1:8443/,
    ],
    [
      "at an address without a listener",
      { clients: "127.0.0.1:8443", admin: "127.0.0.1:9640" },
      [socket("ocsgw.socket", "127.0.0.1:8445")],
      /6335.*: the config has clients \(127\.0\.0\.1:8443\), admin \(127\.0\.0\.1:9640\); /,
    ],
    [
      "under an unknown name, while the listener uses a free port",
      { clients: "127.0.0.1:0" },
      [socket("ocsgw.socket", "127.0.0.1:8443")],
      /6335.*no listener is bound to this address/,
    ],
    [
      "beside another one for the same listener",
      { clients: "127.0.0.1:0" },
      [socket("clients", "127.0.0.1:1"), socket("clients", "127.0.0.1:2", 4)],
      /6338.* the listener clients: the socket "clients" at 127\.0\.0\.1:1 and the socket "clients" at 127\.0\.0\.1:2/,
    ],
  ])("is rejected with the socket's name %s", (_title, binds, sockets, message) => {
    expect(() => assignSockets(sockets, listening(binds))).toThrow(message);
  });
});

describe("the list of sockets that systemd passed", () => {
  const TWO = { LISTEN_FDS: "2", LISTEN_PID: "7" };
  const passed = (env: NodeJS.ProcessEnv): readonly PassedSocket[] =>
    passedSockets({ env, pid: 7, socketAt: (fd, name) => ({ fd, name, host: "127.0.0.1", port: fd }) });

  it.each<[string, NodeJS.ProcessEnv, readonly (readonly [number, string])[]]>([
    ["empty without systemd", {}, []],
    ["empty if the variables are for another process", { LISTEN_FDS: "2", LISTEN_PID: "8" }, []],
    ["empty for LISTEN_FDS=0", { LISTEN_FDS: "0", LISTEN_PID: "7" }, []],
    [
      "two sockets, each with its name",
      { ...TWO, LISTEN_FDNAMES: "clients:admin" },
      [
        [3, "clients"],
        [4, "admin"],
      ],
    ],
    [
      "two sockets without names",
      TWO,
      [
        [3, "unknown"],
        [4, "unknown"],
      ],
    ],
    [
      "two sockets, one with a name",
      { ...TWO, LISTEN_FDNAMES: "clients" },
      [
        [3, "clients"],
        [4, "unknown"],
      ],
    ],
  ])("is %s", (_title, given, expected) => {
    const env = { ...given };
    expect(passed(env).map(({ fd, name }) => [fd, name])).toEqual(expected);
    expect(env).toEqual({});
  });

  const ODD = [
    ["me", "1"],
    ["7", "-1"],
    ["7", ""],
    ["7", "1e9"],
    ["", "1"],
  ] as const;
  it.each(ODD)("is rejected with LISTEN_PID=%s and LISTEN_FDS=%s", (LISTEN_PID, LISTEN_FDS) => {
    expect(() => passed({ LISTEN_PID, LISTEN_FDS })).toThrow(/OCSGW-6339/);
  });
});

describe("the kernel's table of sockets", () => {
  const HEAD = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n";
  const line = (local: string, state: string, inode: string): string =>
    `   0: ${local} 00000000:0000 ${state} 00000000:00000000 00:00000000 00000000     0        0 ${inode} 1 00000000\n`;

  it.each([
    ["IPv4", "0100007F:20FB", { host: "127.0.0.1", port: 8443 }],
    ["IPv4, any address", "00000000:01BB", { host: "0.0.0.0", port: 443 }],
    ["IPv6, any address", "00000000000000000000000000000000:20FB", { host: "::", port: 8443 }],
    ["IPv6, loopback", "00000000000000000000000001000000:20FB", { host: "::1", port: 8443 }],
    ["IPv6", "B80D0120000000000000000001000000:20FB", { host: "2001:db8::1", port: 8443 }],
  ])("gives the address of a listening socket: %s", (_title, local, expected) => {
    expect(listeningIn(HEAD + line(local, "0A", "12") + line("0100007F:0001", "0A", "123"), "12")).toEqual(expected);
  });

  it("gives no address for a connection or for a missing socket", () => {
    expect(listeningIn(HEAD + line("0100007F:20FB", "01", "12"), "12")).toBeUndefined();
    expect(listeningIn(HEAD + line("0100007F:20FB", "0A", "12"), "2")).toBeUndefined();
  });
});
