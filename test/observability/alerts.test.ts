import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { stringify } from 'yaml';
import { endAll, writeTemporary } from '../sidecar/processes.ts';
import { alertRules, rulesFile } from './alert-rules.ts';

afterEach(endAll);

/** Series, by their values each minute as promtool writes them. */
type Series = Readonly<Record<string, string>>;

interface Story {
  readonly alert: string;
  /** The alert fires after so many minutes of this, once. */
  readonly fault: Series;
  /** It does not after the same time of this. */
  readonly health: Series;
  readonly minutes: number;
}

const ofSubscription = '{receiver="oms-1",subscription="fills"}';
const stories: readonly Story[] = [
  {
    alert: 'MeridianBusDown',
    fault: { 'up{job="meridian-bus",instance="a"}': '0x10' },
    health: { 'up{job="meridian-bus",instance="a"}': '1x10' },
    minutes: 3,
  },
  {
    alert: 'MeridianNoBusServes',
    fault: { 'meridian_bus_serving{instance="a"}': '0x10', 'meridian_bus_serving{instance="b"}': '0x10' },
    health: { 'meridian_bus_serving{instance="a"}': '0x10', 'meridian_bus_serving{instance="b"}': '1x10' },
    minutes: 3,
  },
  {
    alert: 'MeridianStoreNearlyFull',
    fault: { meridian_bus_store_used_bytes: '90x20', meridian_bus_store_limit_bytes: '100x20' },
    health: { meridian_bus_store_used_bytes: '80x20', meridian_bus_store_limit_bytes: '100x20' },
    minutes: 10,
  },
  {
    alert: 'MeridianDiskFull',
    fault: { meridian_bus_store_disk_full: '1x5' },
    health: { meridian_bus_store_disk_full: '0x5' },
    minutes: 2,
  },
  {
    alert: 'MeridianSubscriberStuck',
    fault: {
      [`meridian_bus_subscription_oldest_message_age_seconds${ofSubscription}`]: '0+60x30',
      [`meridian_bus_subscription_backlog_messages${ofSubscription}`]: '10x30',
    },
    health: {
      [`meridian_bus_subscription_oldest_message_age_seconds${ofSubscription}`]: '2x30',
      [`meridian_bus_subscription_backlog_messages${ofSubscription}`]: '10x30',
    },
    minutes: 15,
  },
  {
    alert: 'MeridianBacklogGrows',
    fault: { [`meridian_bus_subscription_backlog_messages${ofSubscription}`]: '1000+600x40' },
    health: { [`meridian_bus_subscription_backlog_messages${ofSubscription}`]: '5000x40' },
    minutes: 25,
  },
  {
    alert: 'MeridianGrantUndecided',
    fault: { meridian_bus_grants_undecided: '1x30' },
    health: { meridian_bus_grants_undecided: '1x10 0x20' },
    minutes: 20,
  },
  {
    alert: 'MeridianDeadLetters',
    fault: { 'meridian_bus_dead_letters_total{receiver="oms-1"}': '0x5 1x15' },
    health: { 'meridian_bus_dead_letters_total{receiver="oms-1"}': '3x20' },
    minutes: 10,
  },
  {
    alert: 'MeridianRefusals',
    fault: { 'meridian_bus_refusals_total{kind="publish"}': '0+120x30' },
    health: { 'meridian_bus_refusals_total{kind="publish"}': '0+6x30' },
    minutes: 20,
  },
  {
    alert: 'MeridianLeasesExpire',
    fault: { meridian_bus_lease_ends_total: '0+1x20' },
    health: { meridian_bus_lease_ends_total: '1x20' },
    minutes: 12,
  },
  {
    alert: 'MeridianSidecarCutOff',
    fault: { 'meridian_sidecar_bus_up{instance="a"}': '0x10' },
    health: { 'meridian_sidecar_bus_up{instance="a"}': '1 0 1x10' },
    minutes: 5,
  },
  {
    alert: 'MeridianSidecarSuperseded',
    fault: { 'meridian_sidecar_state{state="STANDBY"}': '1x20' },
    health: { 'meridian_sidecar_state{state="RUNNING"}': '1x20', 'meridian_sidecar_state{state="STANDBY"}': '0x20' },
    minutes: 10,
  },
  {
    alert: 'MeridianPluginFaulted',
    fault: { 'meridian_sidecar_state{state="FAULTED"}': '1x20' },
    health: { 'meridian_sidecar_state{state="FAULTED"}': '0x20' },
    minutes: 3,
  },
  {
    alert: 'MeridianSidecarSheds',
    fault: { meridian_sidecar_sheds_total: '0x2 5x10' },
    health: { meridian_sidecar_sheds_total: '5x12' },
    minutes: 5,
  },
];

/** Whether promtool finds the alert firing after the time of the story, so many times. @returns what it says if not */
function told({ alert, minutes }: Story, series: Series, times: 0 | 1): string {
  const file = writeTemporary('alerts.yml', '');
  const sample = times === 0 ? [] : [{ labels: '{}', value: times }];
  const story = {
    rule_files: [rulesFile],
    evaluation_interval: '1m',
    tests: [
      {
        interval: '1m',
        input_series: Object.entries(series).map(([name, values]) => ({ series: name, values })),
        promql_expr_test: [
          {
            expr: `count(ALERTS{alertname="${alert}",alertstate="firing"})`,
            eval_time: `${minutes}m`,
            exp_samples: sample,
          },
        ],
      },
    ],
  };
  writeFileSync(file, stringify(story));
  const { status, stdout, stderr } = spawnSync('promtool', ['test', 'rules', path.resolve(file)], { encoding: 'utf8' });
  return status === 0 ? '' : `${stdout}${stderr}`;
}

describe('fixtures/prometheus/alerts.yml', () => {
  test('is accepted by promtool, and each of its alerts has a story here', () => {
    expect(spawnSync('promtool', ['check', 'rules', rulesFile]).status).toBe(0);
    expect(stories.map(({ alert }) => alert)).toEqual(alertRules.map(({ alert }) => alert));
  });

  test.each(stories.map((story) => [story.alert, story] as const))(
    '%s fires for its fault, and not without it',
    (_, story) => {
      expect(told(story, story.fault, 1)).toBe('');
      expect(told(story, story.health, 0)).toBe('');
    },
  );

  test('without any bus somebody is told', () => {
    const story: Story = { alert: 'MeridianNoBusServes', fault: {}, health: {}, minutes: 3 };
    expect(told(story, { 'up{job="other"}': '1x10' }, 1)).toBe('');
  });
});
