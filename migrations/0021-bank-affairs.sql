-- 续期与定期评估 (art. 6(1), 31): the certificate of a bank is renewed while it has one, and a city assesses what is open there or suspended; neither
-- moves anything.
ALTER TABLE registry_line
  DROP CONSTRAINT registry_step,
  ADD CONSTRAINT registry_step CHECK (CASE
    WHEN city_code = '' AND event IN ('evidence', 'account', 'contract') THEN
      from_state = to_state AND from_state IN ('applied', 'agreed', 'certified', 'qualified', 'suspended')
    WHEN city_code = '' AND event = 'renew' THEN from_state = to_state AND from_state IN ('certified', 'qualified', 'suspended')
    WHEN city_code <> '' AND event = 'assess' THEN from_state = to_state AND from_state IN ('active', 'suspended')
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
      'suspended resume active', 'suspended revoke revoked') END);

DROP TRIGGER registry_line_follows;

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
  IF NEW.city_code <> '' AND NEW.event NOT IN ('return', 'suspend', 'revoke', 'assess') AND NOT EXISTS (SELECT 1 FROM registry_line l
      WHERE l.bank_code = NEW.bank_code AND l.city_code = '' AND l.to_state = 'qualified'
      AND l.seq = (SELECT MAX(m.seq) FROM registry_line m WHERE m.bank_code = NEW.bank_code AND m.city_code = '')) THEN
    SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'the province qualifies a bank before a city opens it';
  END IF;
END;

-- 记账日期更正: the day a bank was seen to be at work on only goes forward; back it goes by two persons, to the day they name.
ALTER TABLE bank_day ADD COLUMN reset_id BIGINT NULL COMMENT 'the proposal that put it right last',
  ADD CONSTRAINT bank_day_reset FOREIGN KEY (reset_id) REFERENCES proposal (id);

CREATE TRIGGER bank_day_begins BEFORE INSERT ON bank_day FOR EACH ROW BEGIN
  IF NEW.reset_id IS NOT NULL THEN
    SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'the day of a bank is put right by two persons';
  END IF;
END;

CREATE TRIGGER bank_day_goes_on BEFORE UPDATE ON bank_day FOR EACH ROW BEGIN
  IF NEW.bank_code <> OLD.bank_code OR ((NEW.accounting_date < OLD.accounting_date OR NOT NEW.reset_id <=> OLD.reset_id)
      AND (COALESCE(NEW.reset_id, 0) <= COALESCE(OLD.reset_id, 0) OR NOT EXISTS (SELECT 1 FROM proposal p
        WHERE p.id = NEW.reset_id AND p.kind = 'reset-bank-day' AND p.state = 'approved' AND p.subject = NEW.bank_code
        AND CAST(JSON_UNQUOTE(JSON_EXTRACT(p.content, '$.accountingDate')) AS DATE) = NEW.accounting_date))) THEN
    SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'the day of a bank is put right by two persons';
  END IF;
END;

CREATE TRIGGER bank_day_no_delete BEFORE DELETE ON bank_day FOR EACH ROW SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'the day of a bank is never forgotten';

-- What auditors ask for: one kind of deed, one office.
ALTER TABLE audit ADD KEY by_action (action, seq), ADD KEY by_office (office_code, seq);
