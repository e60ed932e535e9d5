/**
 * Checks passwords outside the main thread, one at a time: each check takes some 20 MiB and one of Node's few threads,
 * which the journal needs too. So a flood of logins waits for itself only. Beyond a short queue it is turned away.
 */
import { matchesArgon2id, type Argon2Hash } from "../../common/argon2id.ts";
import { networkOf } from "../../common/net-address.ts";
import { SerialQueue } from "../../common/serial-queue.ts";

export type PasswordChecks = {
  /** Enters the queue of password checks; undefined if it is full. Use or leave what it returns. */
  readonly reserve: (source: string) => CheckPlace | undefined;
};

export type CheckPlace = {
  readonly matches: (password: string, hash: Argon2Hash) => Promise<boolean>;
  readonly leave: () => void;
};

type Options = {
  readonly matches?: typeof matchesArgon2id;
  /** Checks that run or wait, of all and of one network. */
  readonly most?: number;
  readonly mostOfOne?: number;
};

export const createPasswordChecks = ({
  matches = matchesArgon2id,
  most = 8,
  mostOfOne = 3,
}: Options = {}): PasswordChecks => {
  const queue = new SerialQueue();
  const taken = new Map<string, number>();
  let all = 0;
  return {
    reserve: (source) => {
      const network = networkOf(source);
      const own = taken.get(network) ?? 0;
      if (all >= most || own >= mostOfOne) return undefined;
      all++;
      taken.set(network, own + 1);
      let isLeft = false;
      const leave = (): void => {
        if (isLeft) return;
        isLeft = true;
        all--;
        const left = taken.get(network)! - 1;
        if (left === 0) taken.delete(network);
        else taken.set(network, left);
      };
      return { leave, matches: (password, hash) => queue.run(() => matches(password, hash)).finally(leave) };
    },
  };
};
