/** What the OCS pair does: restarts, changes of roles, both up, both down, and words that come twice. */
import type { Ocs } from "./ocs.ts";
import type { Bring, Scene } from "./faults.ts";

export type Upheaval =
  | "restart"
  | "restartWhileDown"
  | "reloadAndRestart"
  | "switchover"
  | "bothUp"
  | "bothDown"
  | "repeat"
  | "burst"
  | "contradict";

const activeOf = ({ pair }: Scene): Ocs => pair.find(({ role }) => role === "active") ?? pair[0];
const peerOf = ({ pair }: Scene, ocs: Ocs): Ocs => (pair[0] === ocs ? pair[1] : pair[0]);

const restart = ({ world, random, isCalm }: Scene, ocs: Ocs, downMs: number): void => {
  ocs.stop(random.pick(["close", "reset", "dark"]));
  world.after(downMs, () => {
    if (ocs.role === "down" && !isCalm()) ocs.start("active");
  });
};

export const UPHEAVALS: Readonly<Record<Upheaval, Bring>> = {
  restart: (scene) => {
    const ocs = activeOf(scene);
    if (ocs.role === "active") restart(scene, ocs, scene.random.latency(400, 9000));
  },
  /** The gateway does not see it. */
  restartWhileDown: (scene) => {
    const { world, random } = scene;
    const ocs = activeOf(scene);
    if (ocs.role !== "active" || !world.isUp) return;
    const [isPowerCut, downMs] = [random.chance(0.3), random.between(1500, 4000)];
    for (const machine of world.machines) machine.kill(isPowerCut, downMs);
    world.after(random.between(1, 300), () => restart(scene, ocs, random.between(50, 900)));
  },
  reloadAndRestart: (scene) => {
    const { world, random } = scene;
    const ocs = activeOf(scene);
    if (ocs.role !== "active" || !world.isUp) return;
    const change = (): void => world.reload({ ...world.variant, connectTimeout: 1000 + random.below(2000) });
    const [first, second] = random.chance(0.5)
      ? [change, () => restart(scene, ocs, random.between(5, 900))]
      : [() => restart(scene, ocs, random.between(5, 900)), change];
    first();
    world.after(random.between(0, 700), second);
  },
  switchover: (scene) => {
    const ocs = activeOf(scene);
    const peer = peerOf(scene, ocs);
    if (ocs.role !== "active" || peer.role !== "standby") return;
    ocs.become("standby");
    scene.world.after(scene.random.latency(30, 3000), () => {
      if (peer.role === "standby" && ocs.role !== "active") peer.become("active");
    });
  },
  bothUp: (scene) => {
    const peer = peerOf(scene, activeOf(scene));
    if (peer.role !== "standby") return;
    peer.become("active");
    scene.world.after(scene.lasts, () => {
      if (!scene.isCalm() && scene.pair.every(({ role }) => role === "active"))
        scene.random.pick(scene.pair).become("standby");
    });
  },
  bothDown: (scene) => {
    const { world, pair, random, isCalm } = scene;
    for (const ocs of pair) if (ocs.role !== "down") ocs.stop(random.pick(["close", "reset", "dark"]));
    world.after(random.latency(900, 9000), () => {
      if (isCalm() || pair.some(({ role }) => role !== "down")) return;
      const [active, standby] = random.chance(0.7) ? pair : [pair[1], pair[0]];
      active.start("active");
      standby.start("standby");
    });
  },
  /** Some of what is open is announced once more. */
  repeat: (scene) => {
    const ocs = activeOf(scene);
    for (const record of ocs.records.values())
      if (record.isOpen && record.tenant.records === "pre-dial" && scene.random.chance(0.4))
        ocs.speaker.announce(record);
  },
  contradict: (scene) => {
    const ocs = activeOf(scene);
    const open = [...ocs.records.values()].filter(
      ({ isOpen, ownedAt, tenant, isContradicted }) =>
        isOpen && ownedAt !== undefined && !isContradicted && tenant.records === "pre-dial",
    );
    if (ocs.role !== "active" || open.length === 0) return;
    const record = scene.random.pick(open);
    for (let times = 1 + scene.random.below(3); times > 0; times--) ocs.speaker.contradict(record);
  },
  burst: (scene) => {
    const ocs = activeOf(scene);
    for (let count = 0; count < 12; count++)
      scene.world.after(scene.random.between(0, 400), () => ocs.role === "active" && ocs.dial());
  },
};
