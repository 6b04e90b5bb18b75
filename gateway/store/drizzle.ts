import { createRequire } from 'node:module'

// As ES modules drizzle's 250 files cost a second of CPU at every start: for each of them Node reads the package's long list of exports anew.
// As CommonJS they cost a tenth of that.
const require = createRequire(import.meta.url)

export const { and, asc, eq, gt, inArray, isNotNull, lte, sql } = require('drizzle-orm') as typeof import('drizzle-orm')
export const { drizzle } = require('drizzle-orm/mysql2') as typeof import('drizzle-orm/mysql2')
export const { bigint, boolean, char, customType, date, datetime, int, mysqlTable, text, varchar } =
  require('drizzle-orm/mysql-core') as typeof import('drizzle-orm/mysql-core')
