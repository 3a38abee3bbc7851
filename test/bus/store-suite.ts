import { describe } from 'vitest';
import { describeAttempts } from './store-attempt-facts.ts';
import { describeBacklogs } from './store-backlog-facts.ts';
import { describeDecisions } from './store-decision-facts.ts';
import { describeFence } from './store-fence-facts.ts';
import type { CreateStore } from './store-fixtures.ts';
import { describeGroups } from './store-group-facts.ts';
import { describeAppending } from './store-log-facts.ts';
import { describeOtherBytes } from './store-other-bytes-facts.ts';
import { describeOwnership } from './store-ownership-facts.ts';
import { describeRetention } from './store-retention-facts.ts';
import { describeState } from './store-state-facts.ts';
import { describeSubscriptions } from './store-subscription-facts.ts';

/** The facts that hold for every store. Each run of a property creates a store of its own. */
export function describeStore(name: string, createStore: CreateStore, propertyRuns: number): void {
  describe(`${name}: ownership`, () => describeOwnership(createStore));
  describe(`${name}: the fence`, () => describeFence(createStore));
  describe(`${name}: appending`, () => describeAppending(createStore));
  describe(`${name}: subscriptions`, () => describeSubscriptions(createStore));
  describe(`${name}: attempts`, () => describeAttempts(createStore));
  describe(`${name}: groups`, () => describeGroups(createStore));
  describe(`${name}: backlogs`, () => describeBacklogs(createStore));
  describe(`${name}: state`, () => describeState(createStore));
  describe(`${name}: decisions`, () => describeDecisions(createStore));
  describe(`${name}: what is stored beside messages`, () => describeOtherBytes(createStore));
  describe(`${name}: retention`, () => describeRetention(createStore, propertyRuns));
}
