import { runBus } from '../bus/run/run-bus.ts';
import { addDeadLettersCommand } from './bus/bus-dead-letters.ts';
import { addGrantsCommand } from './bus/bus-grants.ts';
import { addInstancesCommand } from './bus/bus-instances.ts';
import { addBusSettings, type BusFlags, busSettingsOf } from './bus/bus-settings.ts';
import { addStateCommand } from './bus/bus-state.ts';
import { addBusStatusCommand } from './bus/bus-status.ts';
import { addSubscriptionsCommand } from './bus/bus-subscriptions.ts';
import { addTailCommand } from './bus/bus-tail.ts';
import { addTopicsCommand } from './bus/bus-topics.ts';
import type { AddCommand } from './command.ts';
import { addMigrateCommand } from './store/migrate-command.ts';
import { addStoreCommands } from './store/store-commands.ts';

/** `meridian-sidecar bus`: the Bus API in one process, until SIGTERM or SIGINT. */
export const addBusCommand: AddCommand = (program) => {
  const command = program.command('bus').description('serve the Bus API from this process');
  addBusSettings(command).action((flags: BusFlags) => runBus(busSettingsOf(flags)));
  addDeadLettersCommand(command);
  addGrantsCommand(command);
  addInstancesCommand(command);
  addStateCommand(command);
  addBusStatusCommand(command);
  addSubscriptionsCommand(command);
  addTailCommand(command);
  addTopicsCommand(command);
  addStoreCommands(command);
  addMigrateCommand(command);
};
