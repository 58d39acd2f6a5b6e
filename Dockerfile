# Airflow with this project and its pins.
FROM apache/airflow:3.3.2-python3.11

COPY --chown=airflow:0 requirements.txt requirements-run.txt /opt/warehouse/
# The project's own lock, not the image's constraints: newer psycopg, alembic and SQLAlchemy.
# With hashes: only the files that were there when it was made.
RUN pip install --no-cache-dir --disable-pip-version-check --require-hashes -r /opt/warehouse/requirements.txt
COPY --chown=airflow:0 alembic.ini /opt/warehouse/
COPY --chown=airflow:0 alembic /opt/warehouse/alembic
COPY --chown=airflow:0 db /opt/warehouse/db
COPY --chown=airflow:0 glue /opt/warehouse/glue
COPY --chown=airflow:0 landing /opt/warehouse/landing
COPY --chown=airflow:0 embedded /opt/warehouse/embedded
COPY --chown=airflow:0 ops /opt/warehouse/ops
COPY --chown=airflow:0 demo /opt/warehouse/demo
COPY --chown=airflow:0 report /opt/warehouse/report
COPY --chown=airflow:0 docker/products_api.py /opt/warehouse/docker/
COPY --chown=airflow:0 dags /opt/airflow/dags

USER root
# Volumes get the owner of the folder that they are mounted on.
RUN install -d -o airflow -g 0 -m 0775 /opt/backups /opt/landing /opt/report
USER airflow
ENV PYTHONPATH=/opt/warehouse:/opt/airflow/dags
