# The patch release is pinned by tag; a digest would pin the bytes too (docs/docker.md).
FROM python:3.11.15-slim-bookworm AS build

WORKDIR /build
RUN python -m venv /opt/venv
COPY requirements.lock .
RUN /opt/venv/bin/pip install --no-cache-dir --require-hashes --no-deps -r requirements.lock


FROM python:3.11.15-slim-bookworm

# The root file system is read-only at run time: whatever Airflow, dbt and dlt write lands in
# /tmp (memory) or in the three folders made below (volumes).
ENV PATH=/opt/venv/bin:/usr/local/bin:/usr/bin:/bin \
    PYTHONPATH=/opt/smarketing/plugins \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    HOME=/tmp \
    AIRFLOW_HOME=/tmp/airflow \
    AIRFLOW__CORE__DAGS_FOLDER=/opt/smarketing/dags \
    AIRFLOW__CORE__PLUGINS_FOLDER=/opt/smarketing/plugins \
    AIRFLOW__LOGGING__BASE_LOG_FOLDER=/var/log/smarketing \
    AIRFLOW__LOGGING__DAG_PROCESSOR_CHILD_PROCESS_LOG_DIRECTORY=/var/log/smarketing/dag_processor \
    AIRFLOW__USAGE_DATA_COLLECTION__ENABLED=false \
    GX_ANALYTICS_ENABLED=false \
    DO_NOT_TRACK=1 \
    SMARKETING_CONFIG=/opt/smarketing \
    SMARKETING_HOME=/var/lib/smarketing

# A fresh named volume takes its owner from the folder it covers, so the folders exist here.
RUN useradd --uid 50000 --user-group --no-create-home --home-dir /tmp smarketing \
    && install -d -o smarketing -g smarketing -m 0700 \
        /var/lib/smarketing /var/lib/airflow-login /var/log/smarketing

COPY --from=build /opt/venv /opt/venv
WORKDIR /opt/smarketing
COPY . .

USER 50000:50000
