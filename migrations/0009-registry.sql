-- 银行登记簿 (art. 27, 29, 31): what was said and decided about the banks, line by line. There is no table of states beside it that could say
-- something else: how a bank stands in the province and in each city, its papers, its remittance accounts and its contracts are read out of the
-- lines. The checks and triggers hold against plain SQL too: no step is skipped, none is made twice, nothing is changed or deleted, and what
-- admits a bank, takes it away, names an account or changes a contract is exactly what two persons have approved.
CREATE TABLE registry_line (
  id            BIGINT        NOT NULL AUTO_INCREMENT PRIMARY KEY,
  bank_code     CHAR(4)       CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  city_code     VARCHAR(12)   CHARACTER SET ascii COLLATE ascii_bin NOT NULL DEFAULT '' COMMENT 'the office of the city; empty: the province',
  seq           INT           NOT NULL COMMENT '1, 2, 3 … of this bank in this city, or in the province',
  event         VARCHAR(12)   CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  from_state    VARCHAR(12)   CHARACTER SET ascii COLLATE ascii_bin NOT NULL COMMENT 'empty before the first',
  to_state      VARCHAR(12)   CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  content       TEXT          NOT NULL COMMENT 'JSON: papers, dates, parameters, as they were given',
  actor         VARCHAR(80)   CHARACTER SET ascii COLLATE ascii_bin NOT NULL COMMENT 'the URI of who did it, or who approved it',
  at            DATETIME(3)   NOT NULL,
  proposal_id   BIGINT        NULL COMMENT 'of two persons, where it takes two',
  order_no      VARCHAR(32)   CHARACTER SET ascii COLLATE ascii_bin NULL COMMENT 'the actor’s own number, where one person is enough',
  UNIQUE KEY one_step (bank_code, city_code, seq),
  UNIQUE KEY one_order (actor, order_no),
  UNIQUE KEY one_proposal (proposal_id),
  CONSTRAINT registry_proposal FOREIGN KEY (proposal_id) REFERENCES proposal (id),
  CONSTRAINT registry_step CHECK (CASE
    WHEN city_code = '' AND event IN ('evidence', 'account', 'contract') THEN
      from_state = to_state AND from_state IN ('applied', 'agreed', 'certified', 'qualified', 'suspended')
    WHEN city_code = '' THEN CONCAT(from_state, ' ', event, ' ', to_state) IN (
      ' apply applied', 'declined apply applied',
      'applied agree agreed', 'applied decline declined',
      'agreed certify certified', 'agreed decline declined',
      'certified qualify qualified', 'certified decertify agreed', 'certified decline declined',
      'qualified suspend suspended', 'qualified revoke revoked',
      'suspended resume qualified', 'suspended revoke revoked')
    ELSE CONCAT(from_state, ' ', event, ' ', to_state) IN (
      ' prepare preparing', 'revoked prepare preparing',
      'preparing report reported',
      'reported inspect ready', 'reported return preparing',
      'ready approve approved', 'ready return preparing',
      'approved activate active', 'approved return preparing',
      'active suspend suspended', 'active revoke revoked',
      'suspended resume active', 'suspended revoke revoked') END),
  CONSTRAINT registry_persons CHECK ((proposal_id IS NOT NULL) = (event IN
    ('qualify', 'approve', 'activate', 'suspend', 'resume', 'revoke', 'account', 'contract'))),
  CONSTRAINT registry_order CHECK ((order_no IS NULL) = (proposal_id IS NOT NULL))
) ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

CREATE TRIGGER registry_line_follows BEFORE INSERT ON registry_line FOR EACH ROW BEGIN
  IF NEW.from_state <> '' OR NEW.seq <> 1 THEN
    IF NOT EXISTS (SELECT 1 FROM registry_line l WHERE l.bank_code = NEW.bank_code AND l.city_code = NEW.city_code
        AND l.seq = NEW.seq - 1 AND l.to_state = NEW.from_state) THEN
      SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'a line follows the line before it';
    END IF;
  END IF;
  IF NEW.proposal_id IS NOT NULL AND NOT EXISTS (SELECT 1 FROM proposal p WHERE p.id = NEW.proposal_id AND p.state = 'approved'
      AND p.kind = CASE NEW.event WHEN 'account' THEN 'set-account' WHEN 'contract' THEN 'change-contract'
        ELSE IF(NEW.city_code = '', 'move-bank', 'move-bank-in-city') END
      AND p.content = NEW.content AND p.decided_by = NEW.actor
      AND JSON_UNQUOTE(JSON_EXTRACT(p.content, '$.bankCode')) = NEW.bank_code
      AND COALESCE(JSON_UNQUOTE(JSON_EXTRACT(p.content, '$.cityCode')), '') = NEW.city_code
      AND COALESCE(JSON_UNQUOTE(JSON_EXTRACT(p.content, '$.event')), NEW.event) = NEW.event) THEN
    SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'this is done by two persons';
  END IF;
  IF NEW.city_code <> '' AND NEW.event NOT IN ('return', 'suspend', 'revoke') AND NOT EXISTS (SELECT 1 FROM registry_line l
      WHERE l.bank_code = NEW.bank_code AND l.city_code = '' AND l.to_state = 'qualified'
      AND l.seq = (SELECT MAX(m.seq) FROM registry_line m WHERE m.bank_code = NEW.bank_code AND m.city_code = '')) THEN
    SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'the province qualifies a bank before a city opens it';
  END IF;
END;

CREATE TRIGGER registry_line_no_update BEFORE UPDATE ON registry_line FOR EACH ROW SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'a line is never changed';

CREATE TRIGGER registry_line_no_delete BEFORE DELETE ON registry_line FOR EACH ROW SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'a line is never deleted';

-- Their places are taken by the registry: a file that one person loads neither admits a bank nor names the account that taxes go to.
ALTER TABLE bank DROP COLUMN enabled;

DROP TABLE remittance_account;
