/** The interface of a running gateway, and the options of its start. */
import type { SandboxControl } from "../admin/api/sandbox.ts";
import type { PipelineDeps } from "../gateway/pipeline.ts";
import type { FilesRead } from "../settings/load.ts";
import type { Settings } from "../settings/schema/schema.ts";
import type { Reading } from "./config/reading.ts";
import type { Reloaded, ReloadOptions } from "./reload-outcome.ts";
import type { Leading } from "./standby.ts";
import type { LaneOptions } from "../upstream/lanes/lane.ts";
import type { PassedSockets } from "./wiring/systemd-sockets.ts";

export type Gateway = {
  /** The listeners that are open now. */
  readonly listeners: readonly { readonly name: string; readonly url: string }[];
  readonly admin: string | undefined;
  /**
   * An address that opens the console once, with every role, within `validMs`. `maker`: who asks for it, for the
   * journal. Undefined without an admin listener.
   */
  readonly consoleLink: (maker: string, validMs: number) => string | undefined;
  /** Where OCS announces records, by upstream. */
  readonly callbacks: Readonly<Record<string, string>>;
  /** The checkpoints' verifier key (C2SP vkey). */
  readonly verifierKey: string;
  /** Reads the config again and switches to it, or keeps the config in force and says why. Never rejects. */
  readonly reload: (options?: ReloadOptions) => Promise<Reloaded>;
  /** SHA-256 of the config in force, hexadecimal. */
  readonly configHash: string;
  /** The files that the config in force names, and those that the last reading named. */
  readonly files: FilesRead;
  /** The files of the config itself, as last read. */
  readonly config: FilesRead;
  /** Which file changes the gateway applies by itself. */
  readonly watch: Settings["config"]["watch"];
  /** What `/readyz` says, for the process supervisor. `reasons`: why the gateway is not ready. */
  readonly state: () => State;
  /** Marks an injected fault in the console's charts. `fault`: its id and kind in the sandbox. */
  readonly noteFault: (fault: string) => void;
  /** Resolves with the reason why the gateway must be stopped: it lost its journal's lock, or its place as a node. */
  readonly lost: Promise<string>;
  /** Becomes not ready, waits for `drain.delay`, finishes requests in progress, then stops everything. */
  readonly stop: (reason: string, how?: Stopping) => Promise<void>;
};

export type Stopping = {
  /** Another gateway has the journal: skip `drain.delay`, and accept no more announcements from OCS. */
  readonly now?: boolean;
  /** Milliseconds without a request after which idle connections are closed; QUIET_MS when left out. */
  readonly quiet?: number;
};

export type State = {
  readonly reasons: readonly string[];
  readonly warnings: readonly string[];
  readonly configHash: string;
};

export type StartOptions = {
  readonly settings: Settings;
  /** SHA-256 of the config, hexadecimal. */
  readonly configHash: string;
  /** The files that the settings name, as read; when left out, a reload treats them as changed. */
  readonly files?: FilesRead;
  /** What else was read; when left out, it is read again when needed. */
  readonly read?: Pick<Reading, "config" | "keys" | "admins" | "pieces" | "filled" | "kept">;
  /** How long files must stay unchanged before a change that removes something comes into force; 3 s when left out. */
  readonly stableMs?: number;
  /** The config file. */
  readonly file: string;
  /** For the admin API; a new one when left out. With an admin listener it is written to the file admin.token. */
  readonly adminToken?: string;
  /** The lock and the probes listener that a standby already has. */
  readonly leading?: Leading;
  /** Sockets passed by systemd; none when left out. */
  readonly sockets?: PassedSockets;
  /** Wraps each reload that is not a dry run; returns what the reload returns. */
  readonly reloading?: <Value>(read: () => Promise<Value>) => Promise<Value>;
  /** The command that other processes see as the holder of the journal; `ocsgw run` when left out. */
  readonly command?: string;
  /** Called for every request when its reply is decided. Must not throw. */
  readonly onReply?: PipelineDeps["observe"];
  /** Called before a request is written to a connection to OCS. Must not throw. */
  readonly onSent?: LaneOptions["onSent"];
  /** The embedded OCS of `ocsgw sandbox`, for the console's page Sandbox and its API. */
  readonly sandbox?: SandboxControl | undefined;
};
