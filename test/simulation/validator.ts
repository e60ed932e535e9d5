/** The operator's own validator, as the gateway's relay reaches it: mostly it answers 200 soon. */
import { bytesOf } from "../../src/common/message.ts";
import type { ValidatorClient, ValidatorAnswer } from "../../src/callbacks/validator-client.ts";
import type { Random } from "./random.ts";
import type { Owner } from "./scheduler.ts";
import type { World } from "./world.ts";

export type ValidatorFault = "slow" | "away" | "refuses";

const TIMEOUT_MS = 2000;

export class Validator {
  fault: ValidatorFault | undefined;
  readonly #world: World;
  readonly #random: Random;

  constructor(world: World) {
    this.#world = world;
    this.#random = world.fork("validator");
  }

  /** For one life of the gateway. */
  relay(life: Owner): ValidatorClient {
    return { send: () => this.#send(life), close: () => undefined };
  }

  #send(life: Owner): Promise<ValidatorAnswer> {
    const { scheduler } = this.#world;
    const takes = this.fault === "slow" ? this.#random.between(200, 4000) : this.#random.latency(1, 60);
    const answer = (): ValidatorAnswer => {
      if (this.fault === "away") return { failed: "unreachable", detail: "ECONNREFUSED" };
      if (takes >= TIMEOUT_MS) return { failed: "timeout", detail: `no answer within ${TIMEOUT_MS} ms` };
      const status = this.fault === "refuses" && this.#random.chance(0.5) ? 409 : 200;
      return { reply: { status, headers: [], body: bytesOf("") } };
    };
    return new Promise((resolve) => scheduler.outside(Math.min(takes, TIMEOUT_MS), () => resolve(answer()), life));
  }
}
