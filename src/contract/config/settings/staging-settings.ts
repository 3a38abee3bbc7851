import { type SettingGroup, setting } from './setting.ts';
import { duration, flag, text } from './setting-value.ts';
import { megabytes, processTypes } from './staging-values.ts';

const staging = ['staging'] as const;

/** Decisions made while staging. */
export const stagingSettings = {
  memoryMb: setting({
    variable: 'SIDECAR_MEMORY',
    meaning: 'Memory of the sidecar in whole megabytes',
    default: '128',
    example: '192',
    readBy: staging,
    parse: megabytes,
  }),
  sidecarFor: setting({
    variable: 'SIDECAR_FOR',
    meaning: 'Comma-separated process types that get a sidecar',
    default: 'web',
    example: 'web,worker',
    readBy: staging,
    parse: processTypes,
    whenWrong: [],
  }),
  holdsApp: setting({
    variable: 'SIDECAR_HOLD_APP',
    meaning: 'true: the app starts once its sidecar is ready, or after 45 s',
    default: 'false',
    example: 'true',
    readBy: staging,
    parse: flag,
  }),
  dependencyMirror: setting({
    variable: 'SIDECAR_DEPENDENCY_MIRROR',
    meaning: 'URL that replaces https://HOST when an uncached package downloads its runtime; may hold a password',
    example: 'https://mirror.example/buildpacks',
    readBy: staging,
    secret: true,
    parse: text,
  }),
  downloadStallTimeout: setting({
    variable: 'SIDECAR_DOWNLOAD_STALL_TIMEOUT',
    meaning: 'How long that download may stall, in whole seconds or minutes',
    default: '30s',
    example: '2m',
    readBy: staging,
    parse: duration,
  }),
} as const satisfies SettingGroup;
