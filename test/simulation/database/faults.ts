/** What goes wrong between gateways and the database that they share. */
import { later, note, type Bring } from "../faults.ts";

export type DatabaseFault = "databaseRestart" | "databaseSlow" | "databaseBreaks" | "cutFromDatabase" | "databaseClock";

export const DATABASE_FAULTS: Readonly<Record<DatabaseFault, Bring>> = {
  databaseRestart: (scene) => {
    const { world, lasts, isCalm } = scene;
    note(scene, `stops the database for ${Math.round(lasts / 2)} ms`);
    world.checks.causes.add("store");
    world.database?.stop();
    world.after(lasts / 2, () => {
      if (!isCalm()) world.database?.start();
    });
  },
  databaseSlow: (scene) => {
    const { world } = scene;
    note(scene, `makes the database slow for ${Math.round(scene.lasts)} ms`);
    world.checks.causes.add("store");
    if (world.database) world.database.isSlow = true;
    later(scene, () => {
      if (world.database) world.database.isSlow = false;
    });
  },
  databaseBreaks: (scene) => {
    const { world, random } = scene;
    const share = random.pick([0.05, 0.3]);
    note(scene, `breaks ${share} of the statements for ${Math.round(scene.lasts)} ms`);
    world.checks.causes.add("store");
    if (world.database) world.database.breaks = share;
    later(scene, () => {
      if (world.database) world.database.breaks = 0;
    });
  },
  cutFromDatabase: (scene) => {
    const { world, random } = scene;
    const machine = world.any(random);
    const which = random.pick(["both", "toDatabase", "toMachine"] as const);
    note(scene, `cuts ${machine.name} from the database (${which}) for ${Math.round(scene.lasts)} ms`);
    world.checks.causes.add("store");
    machine.link?.cut(which);
    later(scene, () => {
      note(scene, `connects ${machine.name} to the database again`);
      machine.link?.mend();
    });
  },
  databaseClock: (scene) => {
    const { world, random } = scene;
    const ms = random.pick([-240_000, -90_000, -1500, 1500, 90_000, 240_000]);
    note(scene, `sets the database's clock by ${ms} ms`);
    if (world.database) world.database.tables.clock.wallOffset += ms;
  },
};
