-- 基础资料: banks, offices, treasuries and remittance accounts (art. 27-29). A version of the data file replaces the whole;
-- reference_version keeps which one was in force since when. Codes are ascii and compared byte by byte.

CREATE TABLE reference_version (
  version    VARCHAR(40)  CHARACTER SET ascii COLLATE ascii_bin NOT NULL PRIMARY KEY,
  sha256     CHAR(64)     CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  loaded_at  DATETIME(3)  NOT NULL,
  current    TINYINT      NULL DEFAULT NULL COMMENT '1 for the version in force, else NULL',
  UNIQUE KEY one_current (current),
  CONSTRAINT reference_current CHECK (current IS NULL OR current = 1)
) ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

CREATE TABLE bank (
  code     CHAR(4)      CHARACTER SET ascii COLLATE ascii_bin NOT NULL PRIMARY KEY,
  name     VARCHAR(60)  NOT NULL,
  enabled  BOOLEAN      NOT NULL,
  policy   TEXT         NOT NULL COMMENT 'contract parameters as JSON: dedupe class, windows, ladders, limits'
) ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

CREATE TABLE treasury (
  code         VARCHAR(11)  CHARACTER SET ascii COLLATE ascii_bin NOT NULL PRIMARY KEY,
  name         VARCHAR(60)  NOT NULL,
  clearing_no  VARCHAR(12)  CHARACTER SET ascii COLLATE ascii_bin NOT NULL COMMENT '清算号, art. 29(4)'
) ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

CREATE TABLE office (
  code           VARCHAR(12)  CHARACTER SET ascii COLLATE ascii_bin NOT NULL PRIMARY KEY,
  name           VARCHAR(60)  NOT NULL,
  treasury_code  VARCHAR(11)  CHARACTER SET ascii COLLATE ascii_bin NULL COMMENT 'without one no debit passes',
  CONSTRAINT office_treasury FOREIGN KEY (treasury_code) REFERENCES treasury (code)
) ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

CREATE TABLE remittance_account (
  bank_code      CHAR(4)      CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  treasury_code  VARCHAR(11)  CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  account        VARCHAR(32)  CHARACTER SET ascii COLLATE ascii_bin NOT NULL COMMENT '报解专户, art. 29(2)',
  lead_branch    VARCHAR(60)  NOT NULL COMMENT '主办行',
  PRIMARY KEY (bank_code, treasury_code),
  CONSTRAINT remittance_bank FOREIGN KEY (bank_code) REFERENCES bank (code),
  CONSTRAINT remittance_treasury FOREIGN KEY (treasury_code) REFERENCES treasury (code)
) ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;
